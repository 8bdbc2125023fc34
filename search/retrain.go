package search

import (
	"cmp"
	"math"
	"slices"
)

// Retrain asks for the best trials of a search to be trained once more when it
// is over: as new trials with the same params, from fresh weights of another
// seed, to a budget of their own. A search compares many candidates cheaply;
// what one uses in the end was trained properly. The zero value asks for none.
type Retrain struct {
	Best   int  `json:"best"`   // how many trials
	Budget int  `json:"budget"` // to train each to
	Goal   Goal `json:"goal,omitempty"`
}

// Scored is a trial with its loss, that of the first objective.
type Scored struct {
	Trial int     `json:"trial"`
	Loss  float64 `json:"loss"`
}

// Pair is a trial and the one whose params it has.
type Pair struct {
	Trial int `json:"trial"`
	Like  int `json:"like"`
}

// score remembers an outcome if it is among the best: the best value that each
// trial reached, whatever the budget.
func (l *Loop) score(o Outcome) {
	if l.Retrain.Best < 1 || len(o.Values) == 0 || !finite(o.Values[0]) || !o.State.Usable() {
		return
	}
	s := Scored{o.Trial, l.Retrain.Goal.Loss(o.Values[0])}
	if i := slices.IndexFunc(l.Top, func(t Scored) bool { return t.Trial == o.Trial }); i >= 0 {
		s.Loss = min(s.Loss, l.Top[i].Loss)
		l.Top = slices.Delete(l.Top, i, i+1)
	}
	l.Top = append(l.Top, s)
	slices.SortFunc(l.Top, func(a, b Scored) int { return cmp.Or(cmp.Compare(a.Loss, b.Loss), a.Trial-b.Trial) })
	l.Top = l.Top[:min(len(l.Top), l.Retrain.Best)]
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// queue lines up the best that were not trained again yet.
func (l *Loop) queue() {
	l.Queue = nil
	for _, t := range l.Top[:min(len(l.Top), l.Retrain.Best)] {
		if !slices.ContainsFunc(l.Again, func(p Pair) bool { return p.Like == t.Trial }) {
			l.Queue = append(l.Queue, t.Trial)
		}
	}
}

// repeat starts trials of the queue in the free slots.
func (l *Loop) repeat(d *Decision) {
	for ; len(l.Queue) > 0 && len(l.Running) < l.Parallel; l.Queue = l.Queue[1:] {
		s := Segment{Trial: l.Started, To: l.Retrain.Budget, Again: true, Like: l.Queue[0]}
		if l.Running == nil {
			l.Running = map[int]Segment{}
		}
		l.Running[s.Trial] = s
		l.Again = append(l.Again, Pair{s.Trial, s.Like})
		l.Started++
		d.Run = append(d.Run, s)
	}
}

// findAgain is the place of a trial in Again, or where it would be.
func (l *Loop) findAgain(trial int) (int, bool) {
	return slices.BinarySearchFunc(l.Again, trial, func(p Pair, t int) int { return p.Trial - t })
}

// A scheduler numbers its trials without a gap; those that were trained again
// lie between them when a study goes on after its end. schedulerNumber is the
// scheduler's number of a trial, trialNumber the trial's number.
func (l *Loop) schedulerNumber(trial int) int {
	before, _ := l.findAgain(trial)
	return trial - before
}

func (l *Loop) trialNumber(n int) int {
	for _, p := range l.Again {
		if p.Trial > n {
			break
		}
		n++
	}
	return n
}
