package hpo

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// past is what the records of a study tell about one objective.
type past struct {
	ranked []ranked // trials with a loss, best first
	bad    []int    // records of trials that ended without a usable loss
	open   []int    // records of trials that run, or wait, without one
}

// ranked is a record and its loss at a budget.
type ranked struct {
	record  int
	loss    float64
	reached bool // the budget that the model is about
}

// read sorts the records. Losses at different budgets are not comparable, so
// the trials count first that reached the largest budget that at least enough
// trials did reach, by their loss there (BOHB, Falkner et al. 2018); behind them
// come the others, by their last loss.
func read(req search.Request, enough int) past {
	var p past
	o := req.Objectives[0]
	at := modelBudget(req.Past, o, enough)
	for i := range req.Past {
		r := &req.Past[i]
		loss, reached := lossAt(r, o, at)
		if !reached {
			var ok bool
			if loss, ok = r.Loss(o); !ok {
				if r.State.Ended() {
					p.bad = append(p.bad, i)
				} else {
					p.open = append(p.open, i)
				}
				continue
			}
		}
		if r.State == search.Diverged || r.State == search.Failed || r.State == search.Infeasible {
			p.bad = append(p.bad, i)
			continue
		}
		p.ranked = append(p.ranked, ranked{i, loss, reached})
	}
	slices.SortStableFunc(p.ranked, func(a, b ranked) int {
		if a.reached != b.reached && knob("V", 1) != 0 {
			if a.reached {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.loss, b.loss)
	})
	return p
}

// modelBudget is the largest budget that enough trials reached, or else the one
// that most did.
func modelBudget(records []search.Record, o search.Objective, enough int) int {
	if knob("V", 1) == 0 {
		return math.MaxInt
	}
	count := map[int]int{}
	early := 0
	for i := range records {
		r := &records[i]
		if _, ok := r.Loss(o); !ok {
			continue
		}
		for _, m := range r.Measurements {
			count[m.Budget]++
		}
	}
	_ = early
	best := 0
	for b, n := range count {
		if n >= enough {
			best = max(best, b)
		}
	}
	if best == 0 {
		for b := range count {
			if best == 0 || b < best {
				best = b
			}
		}
	}
	return best
}

// lossAt is a trial's loss at a budget; ok is false if it did not come so far.
func lossAt(r *search.Record, o search.Objective, budget int) (loss float64, ok bool) {
	for _, m := range r.Measurements {
		if m.Budget >= budget {
			v, ok := m.Metrics[o.Metric]
			if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
				return 0, false
			}
			return o.Goal.Loss(v), true
		}
	}
	return 0, false
}
