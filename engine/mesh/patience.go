package mesh

import (
	"runtime"
	"sync/atomic"
	"time"
)

// A call that has parked goes on some 50 to 100 µs after its message has come, and later
// where the core has gone to sleep meanwhile. That is a good part of the time that a stage
// of a pipeline takes for a micro-batch.
const (
	looking = 3 * time.Millisecond   // how long a call looks for a message before it parks
	late    = 500 * time.Microsecond // between two looks: somebody else has had the core
	calm    = 100 * time.Millisecond // without looking, once that has happened
)

// patience is how calls of one stream of a link wait.
type patience struct {
	threads int         // of the process that wait in this way, of all lanes
	allowed func() bool // nil: they park at once
	began   time.Time
	again   atomic.Int64 // since began: when they look again
}

// Look lets calls of a stream that wait for a message, or for other members of a group, look for it for up to 3 ms before they
// park, where the process has a processor for each of the lanes, which compute on so many
// threads each, and as long as allowed says so, which must take next to no time. A call that
// sees that somebody else has had its processor parks at once, and for the next 100 ms all
// do. It is called before the stream is used.
//
// A [Net] has no such thing: a goroutine of its own takes what arrives, and would wait for
// the processors of those who look.
func (l *Lane) Look(stream, threads int, allowed func() bool) {
	l.patience[stream].begin(len(l.local.lanes)*threads, allowed)
}

// begin lets so many threads of the process look.
func (p *patience) begin(threads int, allowed func() bool) {
	p.threads, p.allowed, p.began = threads, allowed, time.Now()
}

// looks reports whether a call that is about to wait looks first.
func (p *patience) looks() bool {
	return p.allowed != nil && p.threads <= runtime.GOMAXPROCS(0) && int64(time.Since(p.began)) >= p.again.Load() && p.allowed()
}

// look returns once news is another number than seen, or after some time. It keeps its
// processor: who yields it and has a thread of his own goes on later than who has parked.
func (p *patience) look(news *atomic.Uint32, seen uint32, clock func() time.Time) {
	began := clock()
	before, now := began, began
	for i := 1; news.Load() == seen && now.Sub(before) <= late && now.Sub(began) <= looking; i++ {
		if i%64 == 0 {
			before, now = now, clock()
		}
	}
	if end := clock(); max(now.Sub(before), end.Sub(now)) > late {
		p.again.Store(int64(end.Add(calm).Sub(p.began)))
	}
}
