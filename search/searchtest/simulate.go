package searchtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"budwood/search"
)

// Simulation is a study in virtual time: the objective says how long a segment
// takes instead of taking it. It is one of the three drivers of [search.Loop].
type Simulation struct {
	Space      search.Space
	Objectives []search.Objective
	Sampler    search.Sampler
	Scheduler  search.Scheduler
	Trials     int
	Parallel   int // segments at once; 0 means 1
	Budget     int // the study closes once segments worth this much have begun; 0 means no limit
	Seed       uint64

	Constraints search.Constraints

	// Objective trains a trial from one budget up to another and returns its
	// values there, one an objective, and the time that it took. A state other
	// than Paused (or empty) says that the trial ended by itself.
	Objective func(trial int, p search.Params, from, to int) (values []float64, seconds float64, state search.State)
}

// Result is what became of a simulated study.
type Result struct {
	Records []search.Record // by trial
	Trace   []Incumbent
	Seconds float64 // virtual
	Budget  int     // of all segments
}

// Incumbent is a point of the trace: from then on, the best value seen of the
// first objective, at whatever budget, was Value.
type Incumbent struct {
	Trial   int
	Value   float64
	Seconds float64
	Budget  int // of the segments that had ended
}

// Best is the last incumbent, or one of value NaN if there is none.
func (r *Result) Best() Incumbent {
	if len(r.Trace) == 0 {
		return Incumbent{Trial: -1, Value: math.NaN()}
	}
	return r.Trace[len(r.Trace)-1]
}

// segment is one that runs.
type segment struct {
	search.Segment
	outcome search.Outcome
	end     float64
}

// Simulate runs the study to its end.
func Simulate(s Simulation) (*Result, error) {
	if len(s.Objectives) == 0 {
		return nil, errors.New("simulate: no objective")
	}
	loop := &search.Loop{Scheduler: s.Scheduler, Parallel: s.Parallel, Trials: s.Trials}
	r := &Result{}
	var running []segment
	begun := 0
	for todo := loop.Begin(); ; {
		if err := r.carryOut(s, loop, todo, func(next segment) {
			running = append(running, next)
			begun += next.To - next.From
		}); err != nil {
			return nil, err
		}
		if s.Budget > 0 && begun >= s.Budget && loop.Closing == "" {
			todo = loop.Finish(fmt.Sprintf("the budget of %d is spent", s.Budget))
			continue
		}
		if len(running) == 0 {
			return r, nil
		}
		first := 0
		for i, t := range running {
			if t.end < running[first].end {
				first = i
			}
		}
		done := running[first]
		running = slices.Delete(running, first, first+1)
		r.record(s, done)
		todo = loop.Done(done.outcome)
	}
}

// carryOut records the endings of a decision and begins its segments.
func (r *Result) carryOut(s Simulation, loop *search.Loop, d search.Decision, begin func(segment)) error {
	for _, e := range d.Ended {
		r.Records[e.Trial].State, r.Records[e.Trial].Reason = e.State, e.Reason
	}
	fresh := 0
	for _, t := range d.Run {
		if t.From == 0 {
			fresh++
		}
	}
	first := len(r.Records)
	var params []search.Params
	if fresh > 0 {
		var err error
		params, err = s.Sampler.Propose(context.Background(), search.Request{
			Space: s.Space, Objectives: s.Objectives, Past: slices.Clone(r.Records), First: first, N: fresh, Seed: s.Seed, Constraints: s.Constraints})
		if err != nil && !errors.Is(err, search.ErrExhausted) {
			return fmt.Errorf("simulate: propose t%04d: %w", first, err)
		}
	}
	for _, t := range d.Run {
		if t.From == 0 {
			i := t.Trial - first
			if i >= len(params) {
				if err := r.carryOut(s, loop, loop.Exhausted(t.Trial), begin); err != nil {
					return err
				}
				continue
			}
			r.Records = append(r.Records, search.Record{Trial: search.Trial{ID: t.Trial, Params: params[i]}})
		}
		rec := &r.Records[t.Trial]
		rec.State = search.Running
		values, seconds, state := s.Objective(t.Trial, rec.Params, t.From, t.To)
		if state == "" {
			state = search.Paused
		}
		begin(segment{t, search.Outcome{Trial: t.Trial, Budget: t.To, State: state, Values: values}, r.Seconds + seconds})
		rec.Seconds += seconds
	}
	return nil
}

// record books a segment that ended.
func (r *Result) record(s Simulation, t segment) {
	r.Seconds = t.end
	r.Budget += t.To - t.From
	rec := &r.Records[t.Trial]
	rec.State = t.outcome.State
	if len(t.outcome.Values) == 0 {
		return
	}
	m := search.Metrics{}
	for i, o := range s.Objectives {
		m[o.Metric] = t.outcome.Values[i]
	}
	rec.Measurements = append(rec.Measurements, search.Measurement{Budget: t.outcome.Budget, Metrics: m})
	if v := t.outcome.Values[0]; s.Objectives[0].Goal.Better(v, r.Best().Value) {
		r.Trace = append(r.Trace, Incumbent{t.Trial, v, r.Seconds, r.Budget})
	}
}
