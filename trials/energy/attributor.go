package energy

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

// Attributor shares out a machine's energy among the trials of one process. It
// is safe for concurrent use. A nil Attributor works too: each of its meters
// then stands alone.
//
// Between two readings, each meter gets the part of the energy that its CPU time
// is of the CPU time of the whole machine. What other processes, the
// runtime and the store used stays unattributed, so that all meters and
// [Attributor.Unattributed] together give [Attributor.Total] exactly. Where the
// counters (RAPL) cannot be read, the energy of a CPU second is that of
// [Power], and the total that of this process.
//
// It counts while at least one meter runs. Graphics cards, disks, fans and
// losses of the power supply are not in it.
type Attributor struct {
	power    Power
	counters counters // nil: estimate
	clock    clock

	mu       sync.Mutex
	meters   []*Meter
	last     reading
	idle     float64 // the least power seen, in watts; 0: none yet
	total    Energy
	rest     Energy
	watchdog *time.Timer
}

// counters measure energy.
type counters interface {
	// advance returns the joules since the call before.
	advance() (joules float64, err error)
	String() string
}

// clock tells CPU times.
type clock struct {
	now     func() time.Time
	process func() time.Duration        // of this process
	machine func() time.Duration        // of all processes; 0 if it is not known
	thread  func() func() time.Duration // clock of the calling thread, which can then be read by any thread
}

type reading struct {
	at               time.Time
	process, machine time.Duration
}

// wrapGuard is how often counters are read at least: the smallest ones start
// over every 65 kJ, which takes minutes.
const wrapGuard = 30 * time.Second

// NewAttributor measures by RAPL if the counters can be read (on most systems
// only root can), and estimates with the given power otherwise.
func NewAttributor(p Power) *Attributor {
	a := &Attributor{power: p.orDefault(), clock: systemClock()}
	if c := openRAPL("/sys"); c != nil {
		a.counters = c
	}
	return a
}

// ByClock estimates with the given power from a clock of CPU time, which takes the
// place of the process's own and of every thread's: a test or a simulation says
// with it what was spent.
func ByClock(p Power, cpu func() time.Duration) *Attributor {
	return &Attributor{power: p.orDefault(), clock: clock{
		now: time.Now, process: cpu, machine: cpu, thread: func() func() time.Duration { return cpu },
	}}
}

// Describe says in words how energy is known here.
func (a *Attributor) Describe() string {
	if a.counters != nil {
		return "measured: " + a.counters.String() + ", shared out by CPU time"
	}
	return fmt.Sprintf("estimated: %.3g W a busy core (%s), right within × %g … %g", a.power.PerCore, a.power.Source, estimateLow, estimateHigh)
}

// Start begins to meter the calling thread. The caller locks its goroutine to
// the thread (runtime.LockOSThread) until Stop; threads that it starts are not
// counted but by [Meter.Also].
func (a *Attributor) Start() *Meter { return a.start(&Meter{clock: a.threadClock()}) }

// StartOutside begins to meter other processes, whose CPU time so far clock
// tells. It may be read on any goroutine.
func (a *Attributor) StartOutside(clock func() time.Duration) *Meter {
	return a.start(&Meter{clock: clock, outside: true})
}

// StartProcess begins to meter all CPU time of the process that no meter of a
// thread takes: right for a trial that computes on many threads and is alone. If
// several such meters run at once they share the time evenly, which is right in
// the sum but not for each.
func (a *Attributor) StartProcess() *Meter { return a.start(&Meter{}) }

func (a *Attributor) threadClock() func() time.Duration {
	if a == nil {
		return systemClock().thread()
	}
	return a.clock.thread()
}

func (a *Attributor) start(m *Meter) *Meter {
	if a == nil {
		p, err := CorePower(os.Getenv)
		if err != nil { // the worker has complained about it when it began
			p = Power{}
		}
		a = NewAttributor(p)
	}
	m.owner = a
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	if m.clock != nil {
		m.last = m.clock()
	}
	a.meters = append(a.meters, m)
	if a.counters != nil && a.watchdog == nil {
		a.watchdog = time.AfterFunc(wrapGuard, a.watch)
	}
	return m
}

// watch keeps counters from starting over unnoticed while trials run.
func (a *Attributor) watch() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.meters) == 0 {
		a.watchdog = nil
		return
	}
	a.advance()
	a.watchdog.Reset(wrapGuard)
}

// Total is the energy that was metered while trials ran.
func (a *Attributor) Total() Energy {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	return a.total
}

// Unattributed is the part of the total that no meter got.
func (a *Attributor) Unattributed() Energy {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	return a.rest
}

// advance reads everything and shares out what came since the last reading.
func (a *Attributor) advance() {
	before := a.last
	a.last = reading{at: a.clock.now(), process: a.clock.process()}
	if a.counters != nil { // an estimate does not need it, and it is a file to read
		a.last.machine = a.clock.machine()
	}
	var joules float64
	if a.counters != nil {
		j, err := a.counters.advance()
		if err != nil { // unplugged or no longer readable: go on with estimates
			a.counters = nil
		}
		joules = j
	}
	if before.at.IsZero() {
		return
	}
	wall := a.last.at.Sub(before.at).Seconds()
	if power := joules / wall; a.counters != nil && wall > .1 && wall < 2*wrapGuard.Seconds() && power > 0 && (a.idle == 0 || power < a.idle) {
		a.idle = power
	}
	if len(a.meters) == 0 {
		return
	}

	process := (a.last.process - before.process).Seconds()
	spent := make([]float64, len(a.meters)) // CPU seconds of each meter
	var taken, whole, outside float64
	for i, m := range a.meters {
		if m.clock == nil {
			whole++
			continue
		}
		now := m.clock()
		spent[i] = max(now-m.last, 0).Seconds()
		m.last = max(now, m.last)
		if m.outside {
			outside += spent[i]
		} else {
			taken += spent[i]
		}
	}
	if left := max(process-taken, 0); whole > 0 {
		for i, m := range a.meters {
			if m.clock == nil {
				spent[i] = left / whole
			}
		}
		taken += left
	}

	// The clocks are not read at the same instant: the whole is never less than
	// its parts.
	cpu := max(process, taken) + outside
	energy := a.power.estimate(cpu)
	if a.counters != nil {
		cpu = max((a.last.machine - before.machine).Seconds(), cpu)
		idle := min(a.idle*wall, joules)
		energy = Energy{Joules: joules, Method: RAPL, Low: joules - idle, High: joules, Idle: idle}
	}
	a.total = a.total.Add(energy)
	rest := energy
	if cpu > 0 {
		for i, m := range a.meters {
			part := energy.times(spent[i] / cpu)
			rest = rest.Add(part.times(-1))
			m.energy = m.energy.Add(part)
			m.cpu += spent[i]
		}
	}
	a.rest = a.rest.Add(rest)
}

// times is the energy times a factor.
func (e Energy) times(f float64) Energy {
	e.Joules, e.Low, e.High, e.Idle = f*e.Joules, f*e.Low, f*e.High, f*e.Idle
	return e
}

// Meter is the energy of one trial's segment.
type Meter struct {
	owner   *Attributor
	clock   func() time.Duration // clock of its thread; nil: the rest of the process
	outside bool                 // the clock is of other processes
	last    time.Duration
	energy  Energy
	cpu     float64
}

// Also counts what other threads of the process have spent for the meter, from 0 on,
// beside its own.
func (m *Meter) Also(spent func() time.Duration) {
	m.owner.mu.Lock()
	defer m.owner.mu.Unlock()
	own := m.clock
	m.clock = func() time.Duration { return own() + spent() }
}

// Read returns the energy since the start, or between start and stop.
func (m *Meter) Read() Energy {
	m.owner.mu.Lock()
	defer m.owner.mu.Unlock()
	if slices.Contains(m.owner.meters, m) {
		m.owner.advance()
	}
	return m.energy
}

// CPU is the CPU time up to the last reading, in seconds.
func (m *Meter) CPU() float64 {
	m.owner.mu.Lock()
	defer m.owner.mu.Unlock()
	return m.cpu
}

// Stop ends the meter and returns the energy. More stops change nothing.
func (m *Meter) Stop() Energy {
	a := m.owner
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := slices.Index(a.meters, m); i >= 0 {
		a.advance()
		a.meters = slices.Delete(a.meters, i, i+1)
	}
	return m.energy
}
