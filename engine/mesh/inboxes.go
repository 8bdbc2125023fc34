package mesh

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// inboxes are the receiving side of one rank's link: a box for each peer and stream,
// and the error that ended it all.
type inboxes struct {
	rank     int
	boxes    [][Streams]inbox // by rank
	frames   pool
	waits    []atomic.Int64 // nanoseconds spent waiting, by rank
	patience [Streams]patience

	mu     sync.Mutex
	cause  error       // the first that ended the link
	ending func(error) // called once, in a goroutine of the one who fails it
}

func newInboxes(rank, ranks int, ending func(error)) *inboxes {
	l := &inboxes{rank: rank, boxes: make([][Streams]inbox, ranks), waits: make([]atomic.Int64, ranks), ending: ending}
	for from := range l.boxes {
		for s := range Streams {
			in := &l.boxes[from][s]
			in.link, in.from, in.stream = l, from, s
			in.changed.L = &in.mu
		}
	}
	return l
}

// Rank is the own rank.
func (l *inboxes) Rank() int { return l.rank }

// Recv fills b with the next message of the mark's stream from a rank.
func (l *inboxes) Recv(from int, m Mark, b []byte) error {
	if err := l.post(from, m, b); err != nil {
		return err
	}
	return l.await(from, m.Tag, chunks(len(b)))
}

func (l *inboxes) post(from int, m Mark, b []byte) error {
	in, err := l.box(from, m.Tag)
	if err != nil {
		return err
	}
	return l.judge(in.post(m, b))
}

func (l *inboxes) await(from int, tag uint32, frames int) error {
	return l.boxes[from][stream(tag)].await(frames)
}

func (l *inboxes) take(from int, m Mark, n int) (*frame, error) {
	in, err := l.box(from, m.Tag)
	if err != nil {
		return nil, err
	}
	f, err := in.take(m, n)
	return f, l.judge(err)
}

// judge ends the link if ranks disagree.
func (l *inboxes) judge(err error) error {
	if _, ok := err.(ErrDisagree); ok {
		return l.fail(err)
	}
	return err
}

func (l *inboxes) give(f *frame) { l.frames.put(f) }

func (l *inboxes) box(rank int, tag uint32) (*inbox, error) {
	if rank < 0 || rank >= len(l.boxes) || rank == l.rank || stream(tag) >= Streams {
		return nil, fmt.Errorf("mesh: rank %d has no stream %d with rank %d", l.rank, stream(tag), rank)
	}
	return &l.boxes[rank][stream(tag)], nil
}

// Waited is how long calls of this rank have waited for messages of each rank.
func (l *inboxes) Waited() []time.Duration {
	out := make([]time.Duration, len(l.waits))
	for i := range out {
		out[i] = time.Duration(l.waits[i].Load())
	}
	return out
}

// broken is the error that ended the link, or nil.
func (l *inboxes) broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cause
}

// fail ends the link with the first cause; it returns that.
func (l *inboxes) fail(cause error) error {
	l.mu.Lock()
	if l.cause != nil {
		defer l.mu.Unlock()
		return l.cause
	}
	l.cause = cause
	l.mu.Unlock()
	for from := range l.boxes {
		for s := range Streams {
			l.boxes[from][s].fail(cause, true)
		}
	}
	l.ending(cause)
	return cause
}

// left says that a rank sends nothing more.
func (l *inboxes) left(from int, err error) {
	for s := range Streams {
		l.boxes[from][s].fail(err, false)
	}
}
