package crew

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Every part is done once, whoever does it, and nobody has a number that another has at
// the same time.
func TestEachPartOnce(t *testing.T) {
	for _, cores := range []int{1, 2, 5} {
		team := New(cores, nil).Team(nil)
		leave := team.pool.Enter(1)
		for _, n := range []int{0, 1, 2, 100} {
			done, at := make([]atomic.Int32, n), make([]atomic.Int32, cores)
			team.Each(n, cores, func(i, who int) {
				if at[who].Add(1) != 1 {
					t.Errorf("two have the number %d", who)
				}
				done[i].Add(1)
				time.Sleep(20 * time.Microsecond)
				at[who].Add(-1)
			})
			for i := range done {
				if k := done[i].Load(); k != 1 {
					t.Errorf("%d cores: part %d of %d was done %d times", cores, i, n, k)
				}
			}
		}
		leave()
		if left := team.pool.taken.Load(); left != 0 {
			t.Errorf("%d threads are still counted", left)
		}
	}
}

// A helper is there where a core is idle, and its work is measured.
func TestHelpersWhereCoresAreIdle(t *testing.T) {
	var lanes atomic.Int32
	pool := New(3, nil)
	team := pool.Team(func(work func()) { lanes.Add(1); work() })
	defer pool.Enter(1)()
	both := func(n int) (met bool) {
		var here sync.WaitGroup
		here.Add(n)
		all := make(chan struct{})
		go func() { here.Wait(); close(all) }()
		team.Each(n, 9, func(int, int) {
			here.Done()
			select {
			case <-all:
			case <-time.After(100 * time.Millisecond):
			}
		})
		select {
		case <-all:
			return lanes.Load() == int32(n-1) && team.Helped() > 0
		case <-time.After(time.Second):
			return false
		}
	}
	if !both(3) {
		t.Errorf("with 3 cores 3 parts were not done at once; helpers came %d times", lanes.Load())
	}
	leave := pool.Enter(2)
	lanes.Store(0)
	team.Each(8, 9, func(_, who int) {
		if who != 0 {
			t.Error("a helper came though no core is idle")
		}
	})
	leave()
	if lanes.Load() != 0 {
		t.Error("a core was lent though none was idle")
	}
}

// What other processes take is not lent, and until it is known nothing is.
func TestOthersKeepTheirCores(t *testing.T) {
	var spent atomic.Int64
	pool := New(4, func() time.Duration { return time.Duration(spent.Load()) })
	defer pool.Enter(1)()
	if pool.Idle() {
		t.Error("a core was called idle before anybody looked")
	}
	look := func(cores float64) (idle int) {
		pool.mu.Lock()
		pool.at = time.Now().Add(-time.Second)
		pool.spent = time.Duration(spent.Load())
		pool.due.Store(0)
		pool.mu.Unlock()
		spent.Add(int64(cores * float64(time.Second)))
		for pool.lend() {
			idle++
		}
		for range idle {
			pool.giveBack()
		}
		return idle
	}
	for _, c := range []struct {
		others float64
		idle   int
	}{{0, 3}, {.2, 3}, {.6, 2}, {1.1, 2}, {2.9, 0}, {4, 0}, {0, 3}} {
		if got := look(c.others); got != c.idle {
			t.Errorf("others take %v cores of 4, one is ours: %d idle, want %d", c.others, got, c.idle)
		}
	}
}

// A panic of a helper reaches the caller, and the core is given back.
func TestPanicOfAHelper(t *testing.T) {
	pool := New(2, nil)
	defer func() {
		if p := recover(); p != "mine" {
			t.Errorf("the panic is %v", p)
		}
		if pool.taken.Load() != 1 {
			t.Errorf("%d threads are counted, want the caller's", pool.taken.Load())
		}
	}()
	pool.Enter(1)
	came := make(chan struct{})
	pool.Team(nil).Each(2, 1, func(_, who int) {
		if who > 0 {
			close(came)
			panic("mine")
		}
		<-came
	})
	t.Error("nothing panicked")
}

// Without a pool the caller does everything in order.
func TestNobodyHelps(t *testing.T) {
	var pool *Pool
	pool.Enter(3)()
	team, want := pool.Team(nil), 0
	team.Each(5, 4, func(i, who int) {
		if i != want || who != 0 {
			t.Errorf("part %d by %d, want %d by the caller", i, who, want)
		}
		want++
	})
	if want != 5 || team.Idle() || team.Most() != 0 || team.Helped() != 0 {
		t.Errorf("%d parts, %+v", want, team)
	}
}
