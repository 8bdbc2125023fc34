package nas

import (
	"maps"
	"slices"

	"budwood/search"
)

// individual is a trial with a network and a loss.
type individual struct {
	params search.Params
	loss   float64
}

// population is the youngest size trials whose losses can be compared, by
// number. Losses are comparable at equal budgets only: they are taken at the
// largest budget at which at least enough trials have one. A trial that
// completed before, because it no longer improved, keeps its last loss at every
// larger budget. As long as no budget has enough, the one with the most counts.
func population(req search.Request, size, enough int) []individual {
	if len(req.Objectives) == 0 {
		return nil
	}
	metric := req.Objectives[0]
	budget := commonBudget(req.Past, enough)
	var out []individual
	for i := len(req.Past) - 1; i >= 0 && len(out) < size; i-- {
		r := &req.Past[i]
		if _, ok := r.Params[search.ArchitectureKey]; !ok || !usable(r) {
			continue
		}
		m := measuredAt(r, budget)
		if m < 0 {
			continue
		}
		at := *r
		at.Measurements = r.Measurements[:m+1]
		if loss, ok := at.Loss(metric); ok {
			out = append(out, individual{r.Params, loss})
		}
	}
	slices.Reverse(out)
	return out
}

// usable tells whether a trial's measurements say something about its network.
func usable(r *search.Record) bool {
	switch r.State {
	case search.Diverged, search.Failed, search.Infeasible:
		return false
	}
	return len(r.Measurements) > 0
}

// measuredAt is the position of the measurement that counts at a budget, -1 if
// there is none.
func measuredAt(r *search.Record, budget int) int {
	for i := len(r.Measurements) - 1; i >= 0; i-- {
		b := r.Measurements[i].Budget
		if b == budget || b < budget && r.State == search.Completed && i == len(r.Measurements)-1 {
			return i
		}
		if b < budget {
			break
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
