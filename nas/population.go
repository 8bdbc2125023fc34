package nas

import (
	"math"
	"slices"

	"budwood/search"
)

// individual is a trial with a network and its losses, one an objective. Nothing
// changes it but the reading of its network, when it is first asked for.
type individual struct {
	trial  int
	at     int // in the past
	params search.Params
	losses []float64
	curve  curve // of the first loss up to those losses
	net    *reading
}

// better reports whether an individual's first loss is less than another's, or as
// small with a better learning curve: among equals the one that got there earlier
// has learned faster. Accuracies on few rows are often equal.
func (i *individual) better(j *individual) bool {
	if i.losses[0] != j.losses[0] {
		return i.losses[0] < j.losses[0]
	}
	return i.curve.mean < j.curve.mean
}

// measured is the individual of record number at, with its losses at a budget: what was
// known before if they are the same, nil if there are none.
func measured(r *search.Record, at int, goals []search.Objective, budget int, k *known) *individual {
	m := measuredAt(r, budget)
	if m < 0 || len(goals) == 0 {
		return nil
	}
	var room [8]float64
	losses := room[:0]
	for _, o := range goals {
		v, ok := r.Measurements[m].Metrics[o.Metric]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		losses = append(losses, o.Goal.Loss(v))
	}
	c := curveOf(r.Measurements[:m+1], goals[0], losses[0])
	if k.who != nil && k.who.trial == r.ID && k.who.curve == c && slices.Equal(k.who.losses, losses) {
		return k.who
	}
	return &individual{trial: r.ID, at: at, params: r.Params, losses: slices.Clone(losses), curve: c, net: k.net}
}

// mainGoal is a request's first objective alone.
func mainGoal(req search.Request) []search.Objective {
	return req.Objectives[:min(len(req.Objectives), 1)]
}

// usable reports whether a trial's measurements say something about a network.
func usable(r *search.Record) bool {
	return r.State.Usable() && len(r.Measurements) > 0
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
	var seen []counted // by budget
	at := func(budget int) *counted {
		i, ok := slices.BinarySearchFunc(seen, budget, func(c counted, b int) int { return c.budget - b })
		if !ok {
			seen = slices.Insert(seen, i, counted{budget: budget})
		}
		return &seen[i]
	}
	for i := range past {
		r := &past[i]
		if !usable(r) {
			continue
		}
		for j := range r.Measurements {
			at(r.Measurements[j].Budget).exact++
		}
		if r.State == search.Completed {
			at(r.Measurements[len(r.Measurements)-1].Budget).completed++
		}
	}
	best, most, before := 0, 0, 0 // before: completed at smaller budgets
	for _, c := range seen {
		if n := c.exact + before; n >= min(enough, most) {
			best, most = c.budget, n
		}
		before += c.completed
	}
	return best
}

// counted are the trials that have losses at a budget, and those that completed
// there.
type counted struct{ budget, exact, completed int }
