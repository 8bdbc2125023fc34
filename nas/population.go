package nas

import (
	"maps"
	"math"
	"slices"

	"budwood/search"
)

// individual is a trial with a network and its losses, one an objective.
type individual struct {
	trial  int
	params search.Params
	losses []float64
	curve  float64 // mean of the first loss over the measurements up to those losses
}

// better tells whether an individual's first loss is less than another's, or as
// small with a better learning curve: among equals the one that got there earlier
// has learned faster. Accuracies on few rows are often equal.
func (i *individual) better(j *individual) bool {
	if i.losses[0] != j.losses[0] {
		return i.losses[0] < j.losses[0]
	}
	return i.curve < j.curve
}

// individuals are the trials of a request whose losses can be compared, the
// youngest first, at most limit (0 means all). Losses are comparable at equal
// budgets only: they are taken at the largest budget at which at least enough
// trials have some. A trial that completed before, because it no longer
// improved, keeps its last losses at every larger budget. As long as no budget
// has enough, the one with the most counts.
func individuals(req search.Request, limit, enough int) []individual {
	n := len(req.Objectives)
	if n == 0 {
		return nil
	}
	budget := commonBudget(req.Past, enough)
	most := len(req.Past)
	if limit > 0 {
		most = min(most, limit)
	}
	out := make([]individual, 0, most)
	all := make([]float64, 0, most*n) // the losses of all, in one piece
	for i := len(req.Past) - 1; i >= 0 && len(out) < most; i-- {
		r := &req.Past[i]
		m := measuredAt(r, budget)
		if m < 0 {
			continue
		}
		start := len(all)
		for _, o := range req.Objectives {
			if v, ok := r.Measurements[m].Metrics[o.Metric]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				all = append(all, o.Goal.Loss(v))
			}
		}
		if len(all) < start+n {
			all = all[:start]
			continue
		}
		out = append(out, individual{trial: r.ID, params: r.Params, curve: curve(r.Measurements[:m+1], req.Objectives[0], all[start])})
	}
	for i := range out {
		out[i].losses = all[i*n : (i+1)*n : (i+1)*n]
	}
	return out
}

// curve is the mean loss of measurements, of which the last is given. One that is
// missing or not finite counts as the last.
func curve(ms []search.Measurement, o search.Objective, last float64) float64 {
	sum := last
	for i := range ms[:len(ms)-1] {
		l := o.Goal.Loss(ms[i].Metrics[o.Metric])
		if _, ok := ms[i].Metrics[o.Metric]; !ok || math.IsNaN(l) || math.IsInf(l, 0) {
			l = last
		}
		sum += l
	}
	return sum / float64(len(ms))
}

// mainObjective is the request of its first objective alone.
func mainObjective(req search.Request) search.Request {
	req.Objectives = req.Objectives[:min(len(req.Objectives), 1)]
	return req
}

// usable tells whether a trial's measurements say something about a network.
func usable(r *search.Record) bool {
	switch r.State {
	case search.Diverged, search.Failed, search.Infeasible:
		return false
	}
	return len(r.Measurements) > 0
}

// measuredAt is the position of the measurement of a usable trial that counts
// at a budget, -1 if there is none.
func measuredAt(r *search.Record, budget int) int {
	if !usable(r) {
		return -1
	}
	last := len(r.Measurements) - 1
	if r.State == search.Completed && r.Measurements[last].Budget < budget {
		return last
	}
	for i := last; i >= 0 && r.Measurements[i].Budget >= budget; i-- {
		if r.Measurements[i].Budget == budget {
			return i
		}
	}
	return -1
}

// recent bounds the trials that decide about the budget to compare at.
const recent = 1000

// commonBudget is the largest budget at which enough of the recent trials
// count, or else that at which most do.
func commonBudget(past []search.Record, enough int) int {
	past = past[max(len(past)-recent, 0):]
	exact, completed := map[int]int{}, map[int]int{}
	for i := range past {
		r := &past[i]
		if !usable(r) {
			continue
		}
		for j := range r.Measurements {
			exact[r.Measurements[j].Budget]++
		}
		if r.State == search.Completed {
			completed[r.Measurements[len(r.Measurements)-1].Budget]++
		}
	}
	best, most, before := 0, 0, 0 // before: completed at smaller budgets
	for _, b := range slices.Sorted(maps.Keys(exact)) {
		if n := exact[b] + before; n >= min(enough, most) {
			best, most = b, n
		}
		before += completed[b]
	}
	return best
}
