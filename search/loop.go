package search

import (
	"fmt"
	"maps"
	"slices"
)

// Loop is the bookkeeping between a scheduler and whatever runs the trials: it
// offers free slots, turns actions into segments, counts trials, and knows when
// the study is over. Its three drivers make the same decisions: the simulator
// (virtual time), the SDK's local run (goroutines) and the study workflow
// (durable). A driver calls Begin once, then Done for every segment that ended,
// and carries out each [Decision] in order, until Finished.
//
// The exported fields are the state and survive a trip through JSON; the
// scheduler's own state travels beside them.
type Loop struct {
	Scheduler Scheduler       `json:"-"`
	Parallel  int             `json:"parallel"` // segments at once; 0 means 1
	Trials    int             `json:"trials"`   // how many trials in all
	Started   int             `json:"started"`
	Running   map[int]Segment `json:"running,omitempty"`
	Paused    map[int]int     `json:"paused,omitempty"` // trial to budget
	Halted    map[int]bool    `json:"halted,omitempty"` // paused trials that the user stopped, of which the scheduler has not heard yet
	Aside     []int           `json:"aside,omitempty"`  // trials that do not count, in order: see SetAside
	Held      bool            `json:"held,omitempty"`   // no slots are offered until Resume
	Closing   string          `json:"closing,omitempty"`
	Finished  bool            `json:"finished,omitempty"`

	Settles  bool      `json:"settles,omitempty"`  // before the study ends its best trial is trained to the end: see [Settle]
	Settling string    `json:"settling,omitempty"` // set by the driver: why no trial begins any more, though the best one goes on to the end; then the study closes
	Cut      []Segment `json:"cut,omitempty"`      // interrupted by the end of the study; they go on if it does
	Owed     []Segment `json:"owed,omitempty"`     // interrupted by an earlier end; they wait for a slot to go on

	Retrain Retrain  `json:"retrain,omitzero"`
	Top     []Scored `json:"top,omitempty"`   // the best trials of the search, Retrain.Best of them
	Final   bool     `json:"final,omitempty"` // the search is over: the best are trained again
	Queue   []int    `json:"queue,omitempty"` // of the best, those that wait for it
	Again   []Pair   `json:"again,omitempty"` // every trial that was trained again, by its new number
}

// Segment is a piece of training: a trial from one budget up to another. A
// trial begins with a segment from 0.
type Segment struct {
	Trial   int    `json:"trial"`
	From    int    `json:"from"`
	To      int    `json:"to"`
	Bracket int    `json:"bracket,omitempty"`
	Reason  string `json:"reason,omitempty"` // why it was promoted
	Again   bool   `json:"again,omitempty"`  // a new trial with the params of an old one:
	Like    int    `json:"like,omitempty"`   // this
	Cuts    int    `json:"cuts,omitempty"`   // how often the end of the study interrupted it
	Before  Cost   `json:"before,omitzero"`  // of it, until it was interrupted
}

// Cost is what training took.
type Cost struct {
	Epochs  int     `json:"epochs"`
	Joules  float64 `json:"joules"`
	Seconds float64 `json:"seconds"`
}

// Outcome is how a segment ended.
type Outcome struct {
	Trial  int       `json:"trial"`
	Budget int       `json:"budget"` // reached
	State  State     `json:"state"`  // Paused: the segment was trained to its end; else the trial ended by itself
	Values []float64 `json:"values,omitempty"`
	Reason string    `json:"reason,omitempty"`
}

// Ending is a final state for a trial that was paused.
type Ending struct {
	Trial  int    `json:"trial"`
	State  State  `json:"state"`
	Reason string `json:"reason"`
}

// Decision is what the driver does next: record Ended, then run Run.
type Decision struct {
	Ended []Ending
	Run   []Segment
}

// Add puts another decision behind this one.
func (d *Decision) Add(more Decision) {
	d.Ended, d.Run = append(d.Ended, more.Ended...), append(d.Run, more.Run...)
}

// Begin starts the study.
func (l *Loop) Begin() Decision {
	l.Parallel = max(l.Parallel, 1)
	var d Decision
	l.fill(&d)
	return d
}

// Done takes the outcome of a running segment. An outcome of a trial that does
// not run (a second report of the same segment) changes nothing.
func (l *Loop) Done(o Outcome) Decision {
	var d Decision
	if _, ok := l.Running[o.Trial]; !ok {
		return d
	}
	delete(l.Running, o.Trial)
	switch _, again := l.findAgain(o.Trial); {
	case l.IsAside(o.Trial):
		l.uncounted(&d, o)
	case again: // the scheduler knows nothing of it
	case o.State == Paused:
		l.score(o)
		if l.Paused == nil { // JSON leaves out an empty map
			l.Paused = map[int]int{}
		}
		l.Paused[o.Trial] = o.Budget
		l.step(&d, Reported{l.schedulerNumber(o.Trial), o.Budget, o.Values})
	default:
		l.score(o)
		l.step(&d, Ended{l.schedulerNumber(o.Trial), o.Budget, o.State, o.Values})
	}
	l.fill(&d)
	return d
}

// Interrupt says that the end of the study, and nothing about the trial itself,
// interrupted a running segment, which has cost so much by now. The scheduler does
// not hear of it: the segment goes on if the study does.
func (l *Loop) Interrupt(trial int, cost Cost) Decision {
	var d Decision
	s, ok := l.Running[trial]
	if !ok {
		return d
	}
	delete(l.Running, trial)
	s.Before = cost
	l.Cut = append(l.Cut, s)
	l.fill(&d)
	return d
}

// Suspended is a copy of the loop as it would be if the end of the study interrupted
// everything that runs now: what a driver keeps of a study that may die at any moment.
func (l *Loop) Suspended() Loop {
	out := *l
	out.Cut, out.Running = slices.Clone(l.Cut), nil
	for _, t := range slices.Sorted(maps.Keys(l.Running)) {
		out.Cut = append(out.Cut, l.Running[t])
	}
	return out
}

// Exhausted says that no params are left for a segment's new trial: the trial
// does not exist, and no new one will be started.
func (l *Loop) Exhausted(trial int) Decision {
	var d Decision
	if _, ok := l.Running[trial]; !ok {
		return d
	}
	delete(l.Running, trial)
	l.Trials = min(l.Trials, l.schedulerNumber(trial))
	l.step(&d, Ended{Trial: l.schedulerNumber(trial), State: Infeasible})
	l.fill(&d)
	return d
}

// Abort is Close without the retraining that would follow.
func (l *Loop) Abort(why string) Decision {
	l.Retrain, l.Queue = Retrain{}, nil
	var d Decision
	if l.Final {
		l.leaveOwed(&d)
	}
	d.Add(l.Finish(why))
	return d
}

// Finish stops offering slots. The running segments may still report; when the
// last one has, every paused trial is ended, and the best are trained again.
func (l *Loop) Finish(why string) Decision {
	if l.Closing == "" {
		l.Closing = why
	}
	var d Decision
	l.fill(&d)
	return d
}

// Reopen lets a finished or closing study go on, for example with a larger
// budget. The trials that its end had stopped, which are returned in the order of
// their numbers, are paused again.
func (l *Loop) Reopen() (paused []int) {
	l.Closing, l.Settling, l.Finished, l.Final = "", "", false, false
	l.Owed, l.Cut = append(l.Owed, l.Cut...), nil
	return l.Left()
}

// Prefer puts the trials that an earlier end of the study interrupted in the order
// in which they go on: best first, then those of which nothing is known.
func (l *Loop) Prefer(best []int) {
	place := func(s Segment) int {
		if i := slices.Index(best, s.Trial); i >= 0 {
			return i
		}
		return len(best)
	}
	slices.SortStableFunc(l.Owed, func(a, b Segment) int { return place(a) - place(b) })
}

// Left are the trials that go on if a study that has ended does, in the order of
// their numbers.
func (l *Loop) Left() []int {
	var out []int
	for _, t := range slices.Sorted(maps.Keys(l.Paused)) {
		if !l.Halted[t] {
			out = append(out, t)
		}
	}
	for _, s := range slices.Concat(l.Cut, l.Owed) {
		out = append(out, s.Trial)
	}
	slices.Sort(out)
	return out
}

// Resize changes the number of segments at once and the number of trials in
// all while the study runs.
func (l *Loop) Resize(parallel, trials int) Decision {
	l.Parallel, l.Trials = max(parallel, 1), trials
	var d Decision
	l.fill(&d)
	return d
}

// Pause stops offering slots until Resume; what runs goes on. A scheduler that
// answers a report by resuming trials still may: the driver starts those
// segments when the study is not held any more.
func (l *Loop) Pause() { l.Held = true }

// Resume offers slots again.
func (l *Loop) Resume() Decision {
	l.Held = false
	var d Decision
	l.fill(&d)
	return d
}

// StopTrial ends a paused trial at its user's wish. The scheduler hears of it when
// it wants to resume the trial: then the trial has ended by itself. One that was
// to go on after an earlier end of the study is ended for the scheduler, too. ok is
// false if the trial is neither.
func (l *Loop) StopTrial(trial int, reason string) (d Decision, ok bool) {
	if l.giveUp(&d, trial, reason) {
		return d, true
	}
	if _, paused := l.Paused[trial]; !paused || l.Halted[trial] {
		return d, false
	}
	if l.Halted == nil {
		l.Halted = map[int]bool{}
	}
	l.Halted[trial] = true
	d.Ended = append(d.Ended, Ending{trial, Stopped, reason})
	return d, true
}

// giveUp ends a trial that was to go on after an earlier end of the study.
func (l *Loop) giveUp(d *Decision, trial int, reason string) bool {
	i := slices.IndexFunc(l.Owed, func(s Segment) bool { return s.Trial == trial })
	if i < 0 {
		return false
	}
	s := l.Owed[i]
	l.Owed = slices.Delete(l.Owed, i, i+1)
	d.Ended = append(d.Ended, Ending{trial, Stopped, reason})
	if _, again := l.findAgain(trial); !again {
		l.step(d, Ended{Trial: l.schedulerNumber(trial), Budget: s.From, State: Stopped})
	}
	return true
}

func (l *Loop) fill(d *Decision) {
	if l.Finished {
		return
	}
	if l.Closing == "" && !l.Held {
		if l.Settling != "" { // the best before others
			l.settle(d)
		}
		l.resumeOwed(d)
	}
	for l.Closing == "" && l.Settling == "" && !l.Held && !l.Final { // again if a slot went to a halted trial
		free, halted := l.Parallel-len(l.Running), len(l.Halted)
		if free <= 0 {
			break
		}
		l.step(d, Free{free, max(l.Trials-l.schedulerNumber(l.Started), 0)})
		if len(l.Halted) == halted {
			break
		}
	}
	held := l.Held && l.Closing == ""
	if !l.Final {
		if !held {
			l.settle(d)
		}
		if len(l.Running) > 0 || held {
			return
		}
		l.Final = true
		paused, halted := maps.Clone(l.Paused), maps.Clone(l.Halted)
		l.step(d, Closed{})
		for _, t := range slices.Sorted(maps.Keys(l.Paused)) { // a scheduler that forgot one
			if !l.Halted[t] {
				d.Ended = append(d.Ended, Ending{t, Stopped, fmt.Sprintf("paused at %d when the study ended", l.Paused[t])})
			}
		}
		l.Paused, l.Halted = paused, halted // where they are if the study goes on
		l.leaveOwed(d)
		l.queue()
	}
	if !held {
		l.resumeOwed(d) // what is trained again goes on before others begin
		l.repeat(d)
	}
	l.Finished = len(l.Running)+len(l.Queue)+len(l.Owed) == 0
}

// leaveOwed gives up, at the end of the search, the segments that an end of the study
// interrupted: they go on if the study does. Those of trials that are trained again go
// on now, for they are not of the search.
func (l *Loop) leaveOwed(d *Decision) {
	search := func(s Segment) bool { return !s.Again || l.Retrain.Best == 0 }
	for _, s := range l.Owed {
		if search(s) {
			d.Ended = append(d.Ended, Ending{s.Trial, Stopped, fmt.Sprintf("paused at %d when the study ended", s.From)})
		}
	}
	all := append(l.Cut, l.Owed...)
	l.Cut, l.Owed = nil, nil
	for _, s := range all {
		if search(s) {
			l.Cut = append(l.Cut, s)
		} else {
			l.Owed = append(l.Owed, s)
		}
	}
}

// resumeOwed starts the segments that an earlier end of the study interrupted.
func (l *Loop) resumeOwed(d *Decision) {
	for len(l.Owed) > 0 && len(l.Running) < max(l.Parallel, 1) {
		s := l.Owed[0]
		l.Owed = l.Owed[1:]
		s.Cuts++
		if l.Running == nil {
			l.Running = map[int]Segment{}
		}
		l.Running[s.Trial] = s
		d.Run = append(d.Run, s)
	}
}

// settle lets the best trial go on when no new one begins: in a free slot if the
// study is concluding, else when nothing runs.
func (l *Loop) settle(d *Decision) {
	if !l.Settles || l.Closing != "" || len(l.Running) >= l.Parallel || l.Settling == "" && len(l.Running) > 0 {
		return
	}
	for { // again if it was a halted trial
		var running []int
		for _, t := range slices.Sorted(maps.Keys(l.Running)) {
			if _, again := l.findAgain(t); !again {
				running = append(running, l.schedulerNumber(t))
			}
		}
		for _, s := range l.Owed { // they will run
			if _, again := l.findAgain(s.Trial); !again {
				running = append(running, l.schedulerNumber(s.Trial))
			}
		}
		halted := len(l.Halted)
		l.step(d, Settle{running})
		if len(l.Halted) == halted {
			return
		}
	}
}

func (l *Loop) step(d *Decision, e Event) {
	for _, a := range l.Scheduler.Step(e) {
		if _, stop := a.(Stop); (l.Closing != "" || l.Final) && !stop {
			continue // nothing new begins once the study is closing
		}
		if l.Running == nil {
			l.Running = map[int]Segment{}
		}
		switch a := a.(type) {
		case Start:
			s := Segment{Trial: l.trialNumber(a.Trial), To: a.Budget, Bracket: a.Bracket}
			l.Started++
			l.Running[s.Trial] = s
			d.Run = append(d.Run, s)
		case Resume:
			t := l.trialNumber(a.Trial)
			budget := l.Paused[t]
			delete(l.Paused, t)
			if l.Halted[t] {
				delete(l.Halted, t)
				l.step(d, Ended{Trial: a.Trial, Budget: budget, State: Stopped})
				continue
			}
			s := Segment{Trial: t, From: budget, To: a.Budget, Reason: a.Reason}
			l.Running[s.Trial] = s
			d.Run = append(d.Run, s)
		case Stop:
			t := l.trialNumber(a.Trial)
			delete(l.Paused, t)
			if l.Halted[t] { // its end is on record
				delete(l.Halted, t)
				continue
			}
			state := Stopped
			if a.Completed {
				state = Completed
			}
			d.Ended = append(d.Ended, Ending{t, state, a.Reason})
		}
	}
}
