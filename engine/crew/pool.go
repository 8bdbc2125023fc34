package crew

import (
	"sync"
	"sync/atomic"
	"time"
)

// Pool is the cores of a machine. A nil Pool has none to lend.
type Pool struct {
	cores     int
	elsewhere func() time.Duration

	taken  atomic.Int64 // threads of this process that compute: of trials, and helpers
	others atomic.Int64 // cores that other processes take, in thousandths
	due    atomic.Int64 // when they are looked at again, since began

	began time.Time
	mu    sync.Mutex
	at    time.Time // of the last look
	spent time.Duration
}

// What is looked at of other processes.
const (
	lookEvery = 200 * time.Millisecond // at most so often
	lookBack  = 10 * time.Second       // what they took over a longer time says little of now
	lookLeast = 50 * time.Millisecond  // the kernel counts in hundredths of a second
)

// slack is how much of a core others may take that is still called idle, in thousandths.
const slack = 300

// New is a pool of so many cores. elsewhere is the processor time that other processes of
// the machine have taken so far; nil: there are none.
func New(cores int, elsewhere func() time.Duration) *Pool {
	p := &Pool{cores: cores, elsewhere: elsewhere, began: time.Now()}
	if elsewhere != nil {
		p.others.Store(1000 * int64(cores)) // until it is known
		p.at, p.spent = p.began, elsewhere()
		p.due.Store(int64(lookLeast))
	}
	return p
}

// Enter says that threads of this process compute, until leave is called.
func (p *Pool) Enter(threads int) (leave func()) {
	if p == nil {
		return func() {}
	}
	p.taken.Add(int64(threads))
	return func() { p.taken.Add(-int64(threads)) }
}

// Idle reports whether a core is idle now.
func (p *Pool) Idle() bool { return p != nil && p.fits(p.taken.Load()+1) }

// lend takes a core if one is idle. It never waits.
func (p *Pool) lend() bool {
	for p != nil {
		n := p.taken.Load()
		if !p.fits(n + 1) {
			return false
		}
		if p.taken.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

// giveBack ends what lend began.
func (p *Pool) giveBack() { p.taken.Add(-1) }

// fits reports whether so many threads leave other processes what they take.
func (p *Pool) fits(threads int64) bool {
	if threads > int64(p.cores) {
		return false
	}
	p.look()
	return 1000*threads+p.others.Load() <= 1000*int64(p.cores)+slack
}

// look finds out what other processes take, if it is time to.
func (p *Pool) look() {
	if p.elsewhere == nil || int64(time.Since(p.began)) < p.due.Load() || !p.mu.TryLock() {
		return
	}
	defer p.mu.Unlock()
	now, spent := time.Now(), p.elsewhere()
	wall, took := now.Sub(p.at), max(spent-p.spent, 0)
	if wall < lookLeast {
		return
	}
	if wall < lookBack {
		p.others.Store(int64(1000 * took.Seconds() / wall.Seconds()))
	}
	p.at, p.spent = now, spent
	p.due.Store(int64(now.Sub(p.began) + lookEvery))
}
