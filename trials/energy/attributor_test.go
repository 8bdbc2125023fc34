package energy

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// fake is a machine whose clocks and counters stand still until a test moves
// them.
type fake struct {
	now              time.Time
	process, machine time.Duration
	threads          []time.Duration
	joules           float64 // since the last reading
	broken           bool
	attributor       *Attributor
}

func (f *fake) advance() (float64, error) {
	if f.broken {
		return 0, errors.New("gone")
	}
	j := f.joules
	f.joules = 0
	return j, nil
}

func (f *fake) String() string { return "fake" }

func newFake(measured bool, watts float64) *fake {
	f := &fake{now: time.Unix(1000, 0)}
	f.attributor = &Attributor{power: Power{PerCore: watts, Source: "test"}, clock: clock{
		now:     func() time.Time { return f.now },
		process: func() time.Duration { return f.process },
		machine: func() time.Duration { return f.machine },
		thread: func() func() time.Duration {
			n := len(f.threads)
			f.threads = append(f.threads, 0)
			return func() time.Duration { return f.threads[n] }
		},
	}}
	if measured {
		f.attributor.counters = f
	}
	return f
}

// pass lets time pass: each thread works for so many seconds, the process and
// the machine besides them.
func (f *fake) pass(wall, process, machine, joules float64, threads ...float64) {
	seconds := func(x float64) time.Duration { return time.Duration(x * float64(time.Second)) }
	for i, x := range threads {
		f.threads[i] += seconds(x)
		process += x
	}
	f.now = f.now.Add(seconds(wall))
	f.process += seconds(process)
	f.machine += seconds(process + machine)
	f.joules += joules
}

func near(t testing.TB, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestAttributionByCPUTime(t *testing.T) {
	f := newFake(true, 0)
	a, b := f.attributor.Start(), f.attributor.Start()
	// 8 CPU seconds in all: a 3, b 1, the rest of the process 2, others 2.
	f.pass(10, 2, 2, 80, 3, 1)
	near(t, "a", a.Read().Joules, 30)
	near(t, "b", b.Stop().Joules, 10)
	near(t, "unattributed", f.attributor.Unattributed().Joules, 40)
	near(t, "total", f.attributor.Total().Joules, 80)
	if m := a.Read().Method; m != RAPL {
		t.Errorf("method %s", m)
	}
	f.pass(10, 0, 0, 20, 2, 7) // b has ended: its thread does something else
	near(t, "a", a.Stop().Joules, 30+20*2./9)
	near(t, "b", b.Read().Joules, 10)
	near(t, "a's CPU time", a.CPU(), 5)

	f.pass(1000, 5, 5, 5000, 9) // nobody is metered: not in the ledger
	near(t, "total", f.attributor.Total().Joules, 100)
	c := f.attributor.Start()
	f.pass(10, 0, 0, 50, 0, 0, 5)
	near(t, "c", c.Stop().Joules, 50)
	near(t, "a again", a.Stop().Joules, 30+20*2./9)
}

func TestIdleShare(t *testing.T) {
	f := newFake(true, 0)
	f.attributor.Total()    // a first look, before anything runs
	f.pass(10, 0, 0.1, 100) // 10 W idle
	m := f.attributor.Start()
	f.pass(5, 0, 0, 250, 5) // 50 W busy
	e := m.Stop()
	want := Energy{Joules: 250, Method: RAPL, Idle: 50, Low: 200, High: 250}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
}

func TestCountersThatBreakBecomeEstimates(t *testing.T) {
	f := newFake(true, 4)
	m := f.attributor.Start()
	f.pass(10, 0, 0, 100, 10)
	near(t, "measured", m.Read().Joules, 100)
	f.broken = true
	f.pass(10, 0, 0, 100, 10)
	e := m.Stop()
	near(t, "then estimated", e.Joules, 140)
	if e.Method != Estimated {
		t.Errorf("method %s", e.Method)
	}
}

func TestProcessMeter(t *testing.T) {
	f := newFake(false, 10)
	m := f.attributor.StartProcess()
	f.pass(1, 4, 0, 0) // four threads of its own
	near(t, "alone", m.Read().Joules, 40)
	n := f.attributor.StartProcess()
	thread := f.attributor.Start()
	f.pass(1, 4, 0, 0, 1)
	near(t, "the thread", thread.Stop().Joules, 10)
	near(t, "half of the rest", m.Stop().Joules, 40+20)
	near(t, "half of the rest", n.Stop().Joules, 20)
	near(t, "nothing is left over", f.attributor.Unattributed().Joules, 0)
}

// Whatever starts, stops and happens, the parts give the whole.
func TestPartsGiveTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFake(rapid.Bool().Draw(t, "measured"), 7)
		var meters []*Meter
		some := rapid.Float64Range(0, 3)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "what") {
			case 0:
				meters = append(meters, f.attributor.Start())
			case 1:
				meters = append(meters, f.attributor.StartProcess())
			case 2:
				if len(meters) > 0 {
					rapid.SampledFrom(meters).Draw(t, "meter").Stop()
				}
			default:
				threads := make([]float64, len(f.threads))
				for i := range threads {
					threads[i] = some.Draw(t, "thread")
				}
				f.pass(1, some.Draw(t, "process"), some.Draw(t, "machine"), 10*some.Draw(t, "joules"), threads...)
			}
		}
		sum := f.attributor.Unattributed()
		for _, m := range meters {
			e := m.Stop()
			if e.Joules < 0 || e.Low > e.Joules || e.High < e.Joules || e.Idle < 0 {
				t.Fatalf("impossible energy %+v", e)
			}
			sum = sum.Add(e)
		}
		total := f.attributor.Total()
		if math.Abs(sum.Joules-total.Joules) > 1e-6 || math.Abs(sum.High-total.High) > 1e-6 || math.Abs(sum.Idle-total.Idle) > 1e-6 {
			t.Fatalf("the parts give %+v, the whole is %+v", sum, total)
		}
		if rest := f.attributor.Unattributed().Joules; rest < -1e-6 {
			t.Fatalf("more was given out than there was: %v J", rest)
		}
	})
}

// The clocks of this machine: a thread that works is charged, one that sleeps is
// not, though both ran for the same time.
func TestThreadClock(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("CPU times of threads are read on Linux only")
	}
	a := NewAttributor(Power{PerCore: 10, Source: "test"})
	run := func(work func()) (cpu float64) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		m := a.Start()
		work()
		m.Stop()
		return m.CPU()
	}
	const long = 200 * time.Millisecond
	var busy, asleep float64
	var wall time.Duration
	var both sync.WaitGroup
	both.Go(func() {
		began := time.Now()
		busy = run(func() {
			for x := 1.; time.Since(began) < long; x++ {
				_ = math.Sqrt(x)
			}
		})
		wall = time.Since(began)
	})
	both.Go(func() { asleep = run(func() { time.Sleep(long) }) })
	both.Wait()
	// Others use the machine too: the busy loop may have got a small part of it.
	if busy < 0.05*wall.Seconds() || busy > 1.01*wall.Seconds() {
		t.Errorf("the busy thread was charged %v s of %v", busy, wall)
	}
	if asleep > 0.1*long.Seconds() || asleep > busy/2 {
		t.Errorf("the sleeping thread was charged %v s, the busy one %v s", asleep, busy)
	}
	total, rest := a.Total(), a.Unattributed()
	if rest.Joules < 0 || rest.Joules > total.Joules {
		t.Errorf("unattributed %v J of %v J", rest.Joules, total.Joules)
	}
}

func TestNilAttributor(t *testing.T) {
	t.Setenv(WattsPerCore, "nonsense") // reported elsewhere, not a reason to fail here
	var a *Attributor
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m := a.Start()
	for range 1000 {
		_ = m.Read()
	}
	if e := m.Stop(); e.Joules <= 0 || e.Method == "" {
		t.Errorf("%+v", e)
	}
}

func TestDescribe(t *testing.T) {
	if d := newFake(true, 1).attributor.Describe(); !strings.HasPrefix(d, "measured: fake") {
		t.Error(d)
	}
	d := newFake(false, 6.25).attributor.Describe()
	if want := "estimated: 6.25 W a busy core (test), right within × 0.5 … 1.5"; d != want {
		t.Errorf("%s, want %s", d, want)
	}
}

func TestWatchEndsWithTheTrials(t *testing.T) {
	f := newFake(true, 0)
	m := f.attributor.Start()
	if f.attributor.watchdog == nil {
		t.Fatal("nobody watches the counters")
	}
	f.pass(1, 0, 0, 5, 1)
	f.attributor.watch()
	near(t, "read by the watch", m.energy.Joules, 5)
	m.Stop()
	f.attributor.watch()
	if f.attributor.watchdog != nil {
		t.Error("the watch goes on without trials")
	}
}

// The clock of a thread is read a moment after that of the process and may be
// ahead of it: no more is given out than there was.
func TestClocksReadInTurn(t *testing.T) {
	f := newFake(true, 0)
	m := f.attributor.Start()
	f.pass(1, -0.1, -0.1, 10, 1)
	near(t, "the meter", m.Stop().Joules, 10)
	near(t, "unattributed", f.attributor.Unattributed().Joules, 0)
}

// What other threads spend for a meter is its part, too.
func TestAlso(t *testing.T) {
	f := newFake(false, 10)
	m := f.attributor.Start()
	var lanes time.Duration
	m.Also(func() time.Duration { return lanes })
	lanes = 4 * time.Second
	f.pass(10, 5, 0, 0, 2) // of the 5 of other threads 4 are lanes
	near(t, "with its lanes", m.Read().Joules, 60)
	lanes += time.Second
	f.pass(10, 1, 0, 0, 1)
	near(t, "CPU time", m.Stop().Joules, 80)
	near(t, "unattributed", f.attributor.Unattributed().Joules, 10)
}
