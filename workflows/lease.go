package workflows

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/sdk/temporal"

	"budwood/trials"
)

const (
	leaseTime = 30 * time.Second // how long a place is held for a gang that does not come
	busyPause = 300 * time.Millisecond
)

// Types of the errors of gangs' activities.
const (
	busyError = "Busy" // there is no room here now; perhaps there is elsewhere
	lostError = "Lost" // the rank did not come to its end here: the trial is trained again
)

// lease is a worker's place for one rank, held for a gang. It answers [reserve].
type lease struct {
	ID      string `json:"id"`
	Queue   string `json:"queue"`             // the worker's own task queue
	Worker  string `json:"worker"`            // its name
	Host    string `json:"host"`              // its machine, see [trials.Host]
	Address string `json:"address,omitempty"` // where other machines reach it; "": they cannot
	Port    int    `json:"port"`              // free there, for the gang's first meeting if it becomes rank 0

	Peer *trials.Peer `json:"peer,omitempty"` // of a network's rank
}

// reserveInput asks for a place.
type reserveInput struct {
	Study string `json:"study"`
	Trial string `json:"trial"`
	Joins bool   `json:"joins,omitempty"` // its ranks train a network, and meet before
}

// leases are the places that a worker holds for gangs.
type leases struct {
	queue   func() (string, error) // of the worker alone; starts to poll it
	address string                 // of this machine, for others; "": none
	plain   bool                   // without TLS
	sockets string                 // folder of the sockets by which ranks of this machine meet

	mu   sync.Mutex
	held map[string]*held
}

// held is one of them.
type held struct {
	release func()       // of capacity
	port    net.Listener // holds the port
	seat    *trials.Seat // of a network's rank
	expire  *time.Timer
	taken   bool
	ended   chan struct{} // the gang needs it no longer
	why     error         // why: set when ended is closed
}

func newLeases(queue func() (string, error), address string, plain bool, sockets string) *leases {
	if sockets == "" {
		sockets = filepath.Join(os.TempDir(), fmt.Sprintf("budwood-ranks-%d", os.Getuid()))
	}
	return &leases{queue: queue, address: address, plain: plain, sockets: sockets, held: map[string]*held{}}
}

// reserve holds a place for a rank, if there is room for it now.
func (a *TrainActivities) reserve(ctx context.Context, in reserveInput) (lease, error) {
	out := lease{ID: rand.Text(), Worker: a.Runner.Name, Host: trials.Host(), Address: a.leases.address}
	release, ok := a.capacity.tryAcquire(a.needs)
	if !ok {
		return lease{}, temporal.NewApplicationErrorWithOptions(fmt.Sprintf("worker %s has no room for a rank of %s now", a.Runner.Name, in.Trial), busyError, temporal.ApplicationErrorOptions{NextRetryDelay: busyPause, Category: temporal.ApplicationErrorCategoryBenign})
	}
	fail := func(err error) (lease, error) {
		release()
		return lease{}, err
	}
	port, err := listen(a.leases.address)
	if err != nil {
		return fail(fmt.Errorf("a port for the ranks of %s: %w", in.Trial, err))
	}
	var seat *trials.Seat
	if in.Joins {
		if seat, err = trials.NewSeat(a.leases.sockets, a.leases.address, a.leases.plain); err != nil {
			port.Close()
			return fail(fmt.Errorf("a seat for a rank of %s: %w", in.Trial, err))
		}
		out.Peer = &seat.Peer
	}
	h := &held{release: release, port: port, seat: seat, ended: make(chan struct{})}
	out.Port = port.Addr().(*net.TCPAddr).Port
	if out.Queue, err = a.leases.queue(); err != nil {
		h.close()
		return fail(err)
	}
	a.leases.add(out.ID, h, leaseTime)
	return out, nil
}

// listen takes a free port of the worker's address, or of the machine's loopback.
func listen(address string) (net.Listener, error) {
	return net.Listen("tcp", net.JoinHostPort(cmp.Or(address, "127.0.0.1"), "0"))
}

// add holds a place until it is taken, or so long.
func (l *leases) add(id string, h *held, long time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[id] = h
	h.expire = time.AfterFunc(long, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if !h.taken {
			l.drop(id, errNoLease)
		}
	})
}

// errNoLease says that a place is not held any more.
var errNoLease = errors.New("its place is not held any more")

// take takes a place for the rank that it is held for. [leases.end] is to be called.
func (l *leases) take(id string) (*held, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.held[id]
	if h == nil || h.taken {
		return nil, errNoLease
	}
	h.taken = true
	h.expire.Stop()
	h.port.Close()
	return h, nil
}

// leave tells the rank of a place to end, or gives back the place if nobody took it.
func (l *leases) leave(id string, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch h := l.held[id]; {
	case h == nil:
	case h.taken:
		h.end(why)
	default:
		l.drop(id, why)
	}
}

// end gives back a place whose rank has ended.
func (l *leases) end(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(id, errNoLease)
}

// drop gives back a place. l is locked.
func (l *leases) drop(id string, why error) {
	h := l.held[id]
	if h == nil {
		return
	}
	delete(l.held, id)
	h.expire.Stop()
	h.close()
	h.release()
	h.end(why)
}

// close lets go of what is held for the gang to meet.
func (h *held) close() {
	h.port.Close()
	if h.seat != nil {
		h.seat.Close()
	}
}

// end says that the gang needs the place no longer.
func (h *held) end(why error) {
	if h.why == nil {
		h.why = why
		close(h.ended)
	}
}

// any reports whether places are held.
func (l *leases) any() bool {
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.held) > 0
}

// releaseInput tells a worker that a gang needs a place no longer.
type releaseInput struct {
	Lease string `json:"lease"`
	Why   string `json:"why"`
	Done  bool   `json:"done,omitempty"` // the trial's segment is trained; otherwise it goes on elsewhere
}

// release tells the rank of a place to end, or gives the place back.
func (a *TrainActivities) release(_ context.Context, in releaseInput) error {
	why := errors.New(in.Why)
	if !in.Done {
		why = fmt.Errorf("%s: %w", in.Why, trials.ErrInterrupted)
	}
	a.leases.leave(in.Lease, why)
	return nil
}
