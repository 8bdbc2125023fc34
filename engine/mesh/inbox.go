package mesh

import (
	"cmp"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// ahead is the most payload that a peer may have sent on one stream before anybody
// asked for it. Collectives keep two chunks a subtree; only messages can be more.
const ahead = 1 << 30

var errAhead = errors.New("it sent 1 GiB that nobody asked for")

// inbox is what one peer sends on one stream: frames that came before anybody asked
// for them, or the place where the next ones go. One goroutine fills it and one
// empties it.
type inbox struct {
	link   *inboxes
	from   int
	stream int

	mu      sync.Mutex
	changed sync.Cond
	news    atomic.Uint32 // how often it was told
	queue   []*frame      // from head on
	head    int
	held    int // bytes in the queue

	mark    Mark // of what is posted
	dst     []byte
	frames  int  // that dst takes
	got     int  // of them
	filling bool // one is being read into dst

	broken error // nothing works any more
	gone   error // the peer sends nothing more; what is queued is still good
}

// post says where the next message of the peer goes: frames of the mark, as many as
// b takes. The memory of b is the link's until await has returned for all of them.
func (in *inbox) post(m Mark, b []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mark, in.dst, in.frames, in.got = m, b, chunks(len(b)), 0
	return in.drain()
}

// drain moves frames from the queue to the posted memory.
func (in *inbox) drain() error {
	for in.got < in.frames && in.head < len(in.queue) && in.broken == nil {
		f := in.pop()
		dst := part(in.dst, in.got)
		if f.mark != in.mark || len(f.b) != len(dst) {
			return in.disagree(in.mark, f.mark)
		}
		copy(dst, f.b)
		in.got++
		in.link.frames.put(f)
	}
	return in.broken
}

// await returns once n of the posted frames are there. After an error nobody writes
// to the posted memory any more.
func (in *inbox) await(n int) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.got >= min(n, in.frames) && in.broken == nil {
		return nil
	}
	defer in.waited(time.Now())
	for in.got < min(n, in.frames) || in.broken != nil {
		switch {
		case in.filling:
		case in.broken != nil || in.gone != nil:
			in.frames, in.dst = 0, nil
			return cmp.Or(in.broken, in.gone)
		}
		in.wait()
	}
	return nil
}

// take gives the next frame, which must have the mark and n bytes of payload. It goes
// back to the pool of frames after use.
func (in *inbox) take(m Mark, n int) (*frame, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.head == len(in.queue) && in.broken == nil && in.gone == nil {
		defer in.waited(time.Now())
		for in.head == len(in.queue) && in.broken == nil && in.gone == nil {
			in.wait()
		}
	}
	switch {
	case in.broken != nil:
		return nil, in.broken
	case in.head == len(in.queue):
		return nil, in.gone
	}
	f := in.pop()
	if f.mark != m || len(f.b) != n {
		return nil, in.disagree(m, f.mark)
	}
	return f, nil
}

// place gives the memory that a frame of n bytes goes to: the posted one, or that of
// a new frame f. When it is filled, arrived must be called.
func (in *inbox) place(m Mark, n int) (dst []byte, f *frame, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.got < in.frames && in.broken == nil {
		dst = part(in.dst, in.got)
		if m != in.mark || n != len(dst) {
			return nil, nil, in.disagree(in.mark, m)
		}
		in.filling = true
		return dst, nil, nil
	}
	if in.held += n; in.held > ahead {
		return nil, nil, errAhead
	}
	f = in.link.frames.get(n)
	f.mark = m
	return f.b, f, nil
}

// arrived says that the memory which place gave is filled, or, with ok false, that it
// never will be.
func (in *inbox) arrived(f *frame, ok bool) (err error) {
	in.mu.Lock()
	switch {
	case f == nil:
		in.filling = false
		if ok {
			in.got++
		}
	case ok: // memory may have been posted for it since
		in.queue = append(in.queue, f)
		err = in.drain()
	default:
		in.link.frames.put(f)
	}
	in.tell()
	return err
}

// pop takes the first frame of the queue.
func (in *inbox) pop() *frame {
	f := in.queue[in.head]
	in.head++
	in.held -= len(f.b)
	if in.head == len(in.queue) {
		in.queue, in.head = in.queue[:0], 0
	}
	return f
}

// disagree says that the own call and that of the peer are not the same.
func (in *inbox) disagree(own, theirs Mark) error {
	return ErrDisagree{Ranks: [2]int{in.link.rank, in.from}, Calls: [2]Mark{own, theirs}}
}

// waited counts the time since a call began to wait for the peer.
func (in *inbox) waited(since time.Time) {
	in.link.waits[in.from].Add(int64(time.Since(since)))
}

// fail wakes whoever waits. A broken inbox is of no use; one whose peer has gone
// still has what came before.
func (in *inbox) fail(err error, broken bool) {
	in.mu.Lock()
	if broken && in.broken == nil {
		in.broken = err
	} else if !broken && in.gone == nil {
		in.gone = err
	}
	in.tell()
}

// tell wakes whoever waits for something to change, which it has; the caller holds the
// lock, and has it no more.
func (in *inbox) tell() {
	in.news.Add(1)
	in.mu.Unlock()
	in.changed.Broadcast()
}

// wait returns when something has changed, and now and then before. The caller holds the
// lock.
func (in *inbox) wait() {
	if p := &in.link.patience[in.stream]; p.looks() {
		seen := in.news.Load()
		in.mu.Unlock()
		p.look(&in.news, seen, time.Now)
		in.mu.Lock()
		if in.news.Load() != seen {
			return
		}
	}
	in.changed.Wait()
}
