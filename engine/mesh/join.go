package mesh

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// Peer is one row of a gang's table: a rank and how it is reached.
type Peer struct {
	Machine     string // its name for people; ranks with the same one may meet by Unix socket
	Unix        string // path of its socket, or empty
	TCP         string // address, or empty
	Fingerprint string // of its key; not needed without TLS
}

// Config is what a rank needs to join the others.
type Config struct {
	Rank  int
	Peers []Peer // by rank, the own one included
	// Attempt of the gang. Frames of another one are refused.
	Attempt uint32
	// Version of the program and Level of its kernels must be those of all peers.
	Version, Level string
	// Listeners that the own row of Peers names. Join closes them.
	Listeners []net.Listener
	// Key for TLS over TCP; nil means plain TCP, which is for isolated networks.
	// Unix sockets are never encrypted: their folder must be the user's own.
	Key *Key
	// Within is how long all ranks have to meet; 0 means 10 s.
	Within time.Duration
	// Beat is how often a rank shows that it is there; 0 means 1 s. After five beats
	// of silence it is lost. It must be the same on all ranks.
	Beat time.Duration
	// Through replaces each new connection, below TLS; nil means it stays. Tests put
	// [Bad] there.
	Through func(net.Conn) net.Conn
}

// Join connects this rank with every other one. Of each pair the lower rank calls.
// It returns once all connections stand, or with an error that names the rank which
// is missing or does not fit.
func Join(ctx context.Context, cfg Config) (*Net, error) {
	cfg.Within, cfg.Beat = cmp.Or(cfg.Within, 10*time.Second), cmp.Or(cfg.Beat, time.Second)
	if cfg.Rank < 0 || cfg.Rank >= len(cfg.Peers) {
		return nil, fmt.Errorf("mesh: rank %d of %d", cfg.Rank, len(cfg.Peers))
	}
	timed, cancel := context.WithTimeout(ctx, cfg.Within)
	defer cancel()
	j := &joining{Config: cfg, ctx: timed, cancel: cancel, missing: len(cfg.Peers) - 1,
		conns: make([]*conn, len(cfg.Peers)), refused: make([]error, len(cfg.Peers))}
	if j.missing == 0 {
		cancel()
	}
	context.AfterFunc(timed, func() {
		for _, l := range cfg.Listeners {
			l.Close()
		}
	})
	for rank := range cfg.Peers {
		if rank > cfg.Rank {
			j.work.Go(func() { j.call(rank) })
		}
	}
	for _, l := range cfg.Listeners {
		j.work.Go(func() { j.answer(l) })
	}
	<-timed.Done()
	j.work.Wait()
	err := j.result(ctx)
	n := newNet(cfg, j.conns)
	if err != nil {
		n.Close(err)
		return nil, err
	}
	return n, nil
}

// joining is a Join under way.
type joining struct {
	Config
	ctx    context.Context // ends when all have met, or will not
	cancel func()
	work   sync.WaitGroup

	mu       sync.Mutex
	conns    []*conn
	missing  int
	failed   error   // one that waiting does not mend
	refused  []error // the last that each rank was refused for, or refused with
	stranger error   // the same for callers who did not say which rank they are
}

// result is nil if all have met.
func (j *joining) result(ctx context.Context) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.failed != nil:
		return j.failed
	case j.missing == 0:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("mesh: join: %w", context.Cause(ctx))
	}
	rank := slices.IndexFunc(slices.Delete(slices.Clone(j.conns), j.Rank, j.Rank+1), func(c *conn) bool { return c == nil })
	if rank >= j.Rank {
		rank++
	}
	why := cmp.Or[error](j.refused[rank], j.stranger)
	if why == nil {
		why = errors.New("it did not call")
	}
	return j.wrong(rank, fmt.Errorf("not there within %v: %w", j.Within, why))
}

func (j *joining) wrong(rank int, err error) error {
	return fmt.Errorf("mesh: rank %d%s: %w", rank, on(j.Peers[rank].Machine), err)
}

// meet takes a connection that has shaken hands.
func (j *joining) meet(c *conn) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.conns[c.peer] != nil {
		return errors.New("it has called before")
	}
	c.attempt = j.Attempt
	j.conns[c.peer] = c
	if j.missing--; j.missing == 0 {
		j.cancel()
	}
	return nil
}

// fail ends the joining: a rank does not fit.
func (j *joining) fail(rank int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failed == nil && j.missing > 0 {
		j.failed = j.wrong(rank, err)
	}
	j.cancel()
}

// refuse remembers why a rank, or a stranger below 0, is not connected yet.
func (j *joining) refuse(rank int, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if rank < 0 {
		j.stranger = fmt.Errorf("it did not call; a caller was refused: %w", err)
	} else if j.conns[rank] == nil && j.ctx.Err() == nil {
		j.refused[rank] = err
	}
}
