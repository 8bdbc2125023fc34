package mesh

import (
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

// Who looks for messages gets all of them, in their order, and the error that ends the link.
func TestLanesThatLook(t *testing.T) {
	const n, rounds = 2, 299
	for _, procs := range []int{1, n} {
		before := runtime.GOMAXPROCS(procs)
		var asked atomic.Int64
		ls := Local(n)
		for _, l := range ls {
			l.Look(1, 1, func() bool { asked.Add(1); return true })
		}
		cause := errors.New("enough")
		errs := each(t, []Link{ls[0], ls[1]}, func(me int, l Link) error {
			b := make([]byte, 1)
			for i := range rounds {
				m := Mark{Tag: Tag(1, "look"), Call: uint32(i), Size: 1}
				if i%2 == me {
					if i%50 == me { // longer than anybody looks
						time.Sleep(looking + time.Millisecond)
					}
					b[0] = byte(i)
					if err := l.Send(1-me, m, b); err != nil {
						return err
					}
				} else if err := l.Recv(1-me, m, b); err != nil || b[0] != byte(i) {
					t.Fatalf("rank %d, message %d: %d, %v", me, i, b[0], err)
				}
			}
			if me == 1 {
				l.Close(cause)
				return nil
			}
			return l.Recv(1, Mark{Tag: Tag(1, "look"), Call: rounds, Size: 1}, b)
		})
		if ended := (ErrEnded{}); !errors.As(errs[0], &ended) || ended.Rank != 1 {
			t.Errorf("%d processors: the end is %v", procs, errs[0])
		}
		if n := asked.Load(); (n > 0) != (procs >= 2) {
			t.Errorf("%d processors: asked %d times whether to look", procs, n)
		}
		runtime.GOMAXPROCS(before)
	}
}

// Nobody looks for longer than 3 ms, and nobody looks for a while where another program has
// had the processor.
func TestLookingEnds(t *testing.T) {
	for _, c := range []struct {
		tick  time.Duration // between two looks at the clock
		least time.Duration
		calm  bool
	}{{10 * time.Microsecond, looking, false}, {late, looking, false}, {late + time.Microsecond, late, true}} {
		l := Local(1)[0]
		l.Look(0, 1, func() bool { return true })
		p := &l.patience[0]
		if !p.looks() {
			t.Fatal("it does not look")
		}
		var news atomic.Uint32
		began := time.Now()
		now := began
		p.look(&news, 0, func() time.Time { now = now.Add(c.tick); return now })
		if took := now.Sub(began) - c.tick; took < c.least || took > c.least+4*c.tick {
			t.Errorf("looks %v apart: it looked for %v, want %v", c.tick, took, c.least)
		}
		if p.looks() == c.calm {
			t.Errorf("looks %v apart: it goes on to look: %v", c.tick, !c.calm)
		}
		if p.began = p.began.Add(-calm - looking - time.Second); !p.looks() {
			t.Errorf("looks %v apart: it never looks again", c.tick)
		}
	}
}

// Who looks meets the others as often as who parks, also where some of them come late.
func TestMeetingsThatLook(t *testing.T) {
	const n, rounds = 2, 300
	m := NewMeeting(n)
	var asked atomic.Int64
	m.Look(func() bool { asked.Add(1); return true })
	var at [n]int
	done := make(chan bool)
	for me := range n {
		go func() {
			defer func() { done <- true }()
			for i := range rounds {
				if i%100 == me {
					time.Sleep(looking + time.Millisecond)
				}
				at[me] = i
				m.Wait()
				if at[1-me] != i {
					t.Errorf("round %d: the other one is at %d", i, at[1-me])
					return
				}
				m.Wait()
			}
		}()
	}
	<-done
	<-done
	if runtime.GOMAXPROCS(0) >= n && asked.Load() == 0 {
		t.Error("nobody asked whether to look")
	}
}
