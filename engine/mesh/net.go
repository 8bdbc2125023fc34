package mesh

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Net is the link of one process: a connection to every other rank, made by [Join].
type Net struct {
	*inboxes
	peers  []Peer
	conns  []*conn // by rank; nil at the own one
	beat   time.Duration
	ticks  atomic.Int64 // beats of the own clock
	over   chan struct{}
	ending sync.Once
	done   sync.WaitGroup
	sent   atomic.Uint64
	got    atomic.Uint64
}

var _ Link = (*Net)(nil)

// silence is after how many own beats without a byte from it a peer is lost. The own
// beats are counted, not the time: whoever was stopped itself, and goes on, blames
// nobody for it.
const silence = 5

// newNet makes a link of connections that have shaken hands; it takes them over.
func newNet(cfg Config, conns []*conn) *Net {
	n := &Net{peers: cfg.Peers, conns: conns, beat: cfg.Beat, over: make(chan struct{})}
	n.inboxes = newInboxes(cfg.Rank, len(cfg.Peers), func(cause error) { n.hangUp(cause) })
	for _, c := range conns {
		if c == nil {
			continue
		}
		c.net = n
		n.done.Add(2)
		go c.listen()
		go c.beats()
	}
	n.done.Add(1)
	go n.watch()
	return n
}

// Send writes b to the connection with a rank, in chunks.
func (n *Net) Send(to int, m Mark, b []byte) error {
	if _, err := n.box(to, m.Tag); err != nil {
		return err
	}
	if err := n.broken(); err != nil {
		return err
	}
	c := n.conns[to]
	for i := range chunks(len(b)) {
		if err := c.send(m, part(b, i)); err != nil {
			select { // the peer may have said why
			case <-c.heeded:
			case <-time.After(lastWords):
			}
			if cause := n.broken(); cause != nil {
				return cause
			}
			if c.left.Load() {
				return ErrEnded{Rank: to, Machine: n.peers[to].Machine}
			}
			return n.fail(n.lost(to, err.Error()))
		}
	}
	return nil
}

// Close ends the link as [Link] says, tells the peers, and returns once all
// connections are closed, which takes at most about a second.
func (n *Net) Close(cause error) error {
	if cause == nil {
		n.hangUp(nil)
		n.inboxes.fail(net.ErrClosed)
	} else {
		ended := n.self()
		n.inboxes.fail(decodeCause(encodeCause(cause, ended), ended))
	}
	n.done.Wait()
	return nil
}

// Traffic is how many bytes this rank has sent and received, headers included.
func (n *Net) Traffic() (sent, received uint64) { return n.sent.Load(), n.got.Load() }

// self is the own rank, as one that closed its link.
func (n *Net) self() ErrEnded { return ErrEnded{Rank: n.rank, Machine: n.peers[n.rank].Machine} }

func (n *Net) lost(rank int, reason string) ErrLost {
	return ErrLost{Rank: rank, Machine: n.peers[rank].Machine, Reason: reason}
}

// hangUp tells every peer the cause and closes the connections, once.
func (n *Net) hangUp(cause error) {
	n.ending.Do(func() {
		close(n.over)
		words := encodeCause(cause, n.self())
		for _, c := range n.conns {
			if c != nil {
				n.done.Add(1)
				go c.hangUp(words)
			}
		}
	})
}

// watch counts the own beats and looks who has been silent for too long.
func (n *Net) watch() {
	defer n.done.Done()
	tick := time.NewTicker(n.beat)
	defer tick.Stop()
	for {
		select {
		case <-n.over:
			return
		case <-tick.C:
		}
		now := n.ticks.Add(1)
		for rank, c := range n.conns {
			if c != nil && !c.left.Load() && now-c.heard.Load() > silence {
				n.fail(n.lost(rank, "silent for "+(silence*n.beat).String()))
			}
		}
	}
}
