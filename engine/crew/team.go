package crew

import (
	"sync"
	"sync/atomic"
	"time"
)

// Team is a trial's view of a pool. A nil Team has no helpers.
type Team struct {
	pool   *Pool
	lane   func(work func())
	helped atomic.Int64 // nanoseconds
}

// Team is the view of a trial. lane is called on a helper's goroutine and does its work
// there, once; who counts the processor time of threads does so in it. nil means work alone.
func (p *Pool) Team(lane func(work func())) *Team {
	if p == nil {
		return nil
	}
	if lane == nil {
		lane = func(work func()) { work() }
	}
	return &Team{pool: p, lane: lane}
}

// Helped is how long helpers have worked, in all.
func (t *Team) Helped() time.Duration {
	if t == nil {
		return 0
	}
	return time.Duration(t.helped.Load())
}

// Most is the most helpers that there can be.
func (t *Team) Most() int {
	if t == nil {
		return 0
	}
	return t.pool.cores - 1
}

// Idle reports whether a core is idle now.
func (t *Team) Idle() bool { return t != nil && t.pool.Idle() }

// Fits reports whether the threads of this process that compute leave other processes what
// they take. A nil team does not know.
func (t *Team) Fits() bool { return t != nil && t.pool.fits(t.pool.taken.Load()) }

// Each does the parts 0 … n−1 of some work, each once, in no order: the caller, and at
// most so many helpers as there are idle cores for. They are asked for before each part, and go when
// others need their core. who is 0 for the caller and the number of a helper
// otherwise, of which no two work at once. It returns when all is done. A panic of a
// helper is the caller's.
func (t *Team) Each(n, most int, do func(i, who int)) {
	e := each{n: int64(n), do: do}
	if t != nil {
		e.free = make([]bool, min(most, t.Most()))
	}
	for helpers := range e.free {
		e.free[helpers] = true
	}
	defer e.end()
	for {
		for who := e.hire(t); who > 0; who = e.hire(t) {
			go e.help(t, who)
		}
		i := e.next.Add(1) - 1
		if i >= e.n {
			return
		}
		do(int(i), 0)
	}
}

// each is work that is being done.
type each struct {
	n    int64
	do   func(i, who int)
	next atomic.Int64
	wait sync.WaitGroup

	mu    sync.Mutex
	free  []bool // numbers of helpers that do not work
	panic any    // of a helper
}

// hire takes a core for a helper, if one is idle and there is work for two; it returns the helper's number.
func (e *each) hire(t *Team) (who int) {
	if len(e.free) == 0 || e.next.Load()+1 >= e.n {
		return 0
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for k, free := range e.free {
		if free && t.pool.lend() {
			e.free[k] = false
			e.wait.Add(1)
			return k + 1
		} else if free {
			return 0
		}
	}
	return 0
}

// help does parts as a helper.
func (e *each) help(t *Team, who int) {
	began := time.Now()
	defer func() {
		p := recover()
		t.helped.Add(int64(time.Since(began)))
		t.pool.giveBack()
		e.mu.Lock()
		e.free[who-1] = true
		if p != nil {
			e.panic = p
			e.next.Store(e.n)
		}
		e.mu.Unlock()
		e.wait.Done()
	}()
	t.lane(func() {
		for t.pool.fits(t.pool.taken.Load()) {
			i := e.next.Add(1) - 1
			if i >= e.n {
				return
			}
			e.do(int(i), who)
		}
	})
}

// end waits for the helpers.
func (e *each) end() {
	e.next.Store(e.n) // also where the caller panics
	e.wait.Wait()
	if e.panic != nil {
		panic(e.panic)
	}
}
