package mesh

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// spin is how long a lane looks for the others before it parks. A barrier that only
// spins takes cores away from whom it waits for.
const spin = 20 * time.Microsecond

// Meeting lets n goroutines of a process go on together, again and again. It spins
// for some microseconds and then parks.
type Meeting struct {
	barrier  *barrier
	patience patience
}

// NewMeeting makes one for n ≥ 1 goroutines.
func NewMeeting(n int) *Meeting { return &Meeting{barrier: newBarrier(n)} }

// Look lets those who wait look for the others for up to 3 ms before they park, as [Lane.Look]
// does. It is called before they meet.
func (m *Meeting) Look(allowed func() bool) { m.patience.begin(int(m.barrier.n), allowed) }

// Wait returns once all have called it.
func (m *Meeting) Wait() { m.barrier.wait(&m.patience, func(uint32) {}, func() {}) }

// barrier lets n goroutines go on together, again and again.
type barrier struct {
	n       int32
	arrived atomic.Int32
	turn    atomic.Uint32 // how many times all have met
	broken  atomic.Bool
	parked  atomic.Int32
	mu      sync.Mutex
	changed sync.Cond
}

func newBarrier(n int) *barrier {
	b := &barrier{n: int32(n)}
	b.changed.L = &b.mu
	return b
}

// wait returns once all have called it, and reports whether they have; it is false
// once the barrier is broken. Before it parks it calls parking, which may break the
// barrier, with the turn that it waits for the end of, and after that parked.
func (b *barrier) wait(p *patience, parking func(turn uint32), parked func()) bool {
	turn := b.turn.Load()
	if b.broken.Load() {
		return false
	}
	if b.arrived.Add(1) == b.n {
		b.arrived.Store(0)
		b.turn.Add(1)
		if b.parked.Load() > 0 {
			b.wake()
		}
		return true
	}
	switch {
	case p.looks():
		if p.look(&b.turn, turn, time.Now); b.turn.Load() != turn {
			return true
		}
	case int(b.n) <= runtime.GOMAXPROCS(0):
		start := time.Now()
		for i := 1; i%64 != 0 || time.Since(start) < spin; i++ {
			if b.turn.Load() != turn {
				return true
			}
		}
	}
	parking(turn)
	b.mu.Lock()
	b.parked.Add(1)
	for b.turn.Load() == turn && !b.broken.Load() {
		b.changed.Wait()
	}
	b.parked.Add(-1)
	b.mu.Unlock()
	parked()
	return b.turn.Load() != turn
}

// wake wakes whoever has parked.
func (b *barrier) wake() {
	b.mu.Lock()
	b.changed.Broadcast()
	b.mu.Unlock()
}

// tear ends the barrier: whoever waits, and whoever comes, is told so.
func (b *barrier) tear() {
	b.broken.Store(true)
	b.wake()
}
