package hpo

import (
	"math"
	"slices"

	"budwood/search"
)

// past is what the records of a study tell about its first objective.
type past struct {
	ranked  []ranked // trials with a loss, best first
	bad     []int    // records of trials that ended without a usable loss
	pending []int    // records of trials that go on and have none yet
}

// ranked is a record with its loss.
type ranked struct {
	record int
	loss   float64
}

// read sorts the records. Where trials were stopped or wait at different
// budgets, the loss at a smaller budget is moved by what the trials that went
// on from there usually gained: the median change up to their last measurement.
func read(req search.Request) past {
	var p past
	if len(req.Objectives) == 0 {
		return p
	}
	o := req.Objectives[0]
	gain := gains(req.Past, o)
	for i := range req.Past {
		r := &req.Past[i]
		loss, ok := lossOf(r, o)
		switch {
		case !ok && r.State.Ended():
			p.bad = append(p.bad, i)
		case !ok:
			p.pending = append(p.pending, i)
		default:
			if last, _ := r.Last(); r.State != search.Completed {
				loss += gain[last.Budget]
			}
			p.ranked = append(p.ranked, ranked{i, loss})
		}
	}
	slices.SortFunc(p.ranked, func(a, b ranked) int {
		switch {
		case a.loss < b.loss:
			return -1
		case a.loss > b.loss:
			return 1
		}
		return a.record - b.record
	})
	return p
}

// lossOf is a trial's last loss, whatever a trial that broke may have measured.
func lossOf(r *search.Record, o search.Objective) (loss float64, ok bool) {
	switch r.State {
	case search.Diverged, search.Failed, search.Infeasible:
		return 0, false
	}
	return r.Loss(o)
}

// gains is the median change of the loss after each budget from which trials
// went on.
func gains(records []search.Record, o search.Objective) map[int]float64 {
	var changes map[int][]float64
	for i := range records {
		r := &records[i]
		if len(r.Measurements) < 2 {
			continue
		}
		last, ok := lossOf(r, o)
		if !ok {
			continue
		}
		for _, m := range r.Measurements[:len(r.Measurements)-1] {
			if v, ok := m.Metrics[o.Metric]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				if changes == nil {
					changes = map[int][]float64{}
				}
				changes[m.Budget] = append(changes[m.Budget], last-o.Goal.Loss(v))
			}
		}
	}
	out := make(map[int]float64, len(changes))
	for b, c := range changes {
		slices.Sort(c)
		if x := c[len(c)/2]; !math.IsInf(x, 0) {
			out[b] = x
		}
	}
	return out
}
