package hpo

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"budwood/search"
)

// Bracket is a ladder of budgets that trials climb.
type Bracket struct {
	Rungs []int   // budgets, ascending; the last one is the full budget
	Share float64 // of the trials that begin in this bracket
}

// Rung is a budget at which trials are compared.
type Rung struct {
	Budget   int    `json:"budget"`
	Peers    []Peer `json:"peers,omitempty"`    // best first; of equals the one that came first
	Diverged int    `json:"diverged,omitempty"` // peers without a value, worse than all others
}

// Peer is a trial in a rung.
type Peer struct {
	Trial   int       `json:"trial"`
	Values  []float64 `json:"values"`            // the objectives; the first one ranks
	Waiting bool      `json:"waiting,omitempty"` // paused here
	Risen   bool      `json:"risen,omitempty"`   // went on to the next rung
}

// budgets are the rungs below and at the full budget: top, top/eta, top/eta², …
// as long as they are no less than low.
func budgets(low, top, eta int) []int {
	low = max(low, 1)
	top = max(top, low)
	out := []int{top}
	for x := float64(top) / float64(eta); x >= float64(low) && x >= 1; x /= float64(eta) {
		if b := int(math.Round(x)); b < out[len(out)-1] {
			out = append(out, b)
		}
	}
	slices.Reverse(out)
	return out
}

// newRungs are empty ones.
func newRungs(budgets []int) []Rung {
	out := make([]Rung, len(budgets))
	for i, b := range budgets {
		out[i].Budget = b
	}
	return out
}

// orDefault is x, or the default where x is below least.
func orDefault(x, least, otherwise int) int {
	if x < least {
		return otherwise
	}
	return x
}

// level is the index of the lowest rung that is not below a budget.
func level(rungs []Rung, budget int) int {
	for i, r := range rungs {
		if r.Budget >= budget {
			return i
		}
	}
	return len(rungs) - 1
}

// levelOfEnd is the rung in which a trial counts that ended by itself: the
// lowest one not below its budget that it has not been in.
func levelOfEnd(rungs []Rung, e search.Ended) int {
	k := level(rungs, e.Budget)
	for k < len(rungs)-1 && rungs[k].has(e.Trial) {
		k++
	}
	return k
}

func (r *Rung) has(trial int) bool {
	return slices.ContainsFunc(r.Peers, func(p Peer) bool { return p.Trial == trial })
}

// size is the number of peers.
func (r *Rung) size() int { return len(r.Peers) + r.Diverged }

// add puts a peer in its place and returns it.
func (r *Rung) add(p Peer, goal search.Goal) int {
	p.Values = slices.Clone(p.Values)
	i, _ := slices.BinarySearchFunc(r.Peers, p, func(have, p Peer) int {
		if goal.Better(p.Values[0], have.Values[0]) {
			return 1
		}
		return -1
	})
	r.Peers = slices.Insert(r.Peers, i, p)
	return i
}

// rank says where a peer stands: "rung 9: 0.931 is 1st of 9".
func (r *Rung) rank(i int) string {
	return fmt.Sprintf("rung %d: %s is %s of %d", r.Budget, number(r.Peers[i].Values[0]), ordinal(i+1), r.size())
}

// below says that peer i is not among the best top: "rung 9: 0.712 < cut 0.748 of
// 9 peers".
func (r *Rung) below(i, top int, goal search.Goal) string {
	return fmt.Sprintf("rung %d: %s of %d peers", r.Budget, compare(r.Peers[i].Values[0], "cut", r.Peers[top-1].Values[0], goal), r.size())
}

// compare says how a value misses a bound: "0.712 < cut 0.748".
func compare(value float64, name string, bound float64, goal search.Goal) string {
	if value == bound {
		return fmt.Sprintf("%s came after %s %s", number(value), name, number(bound))
	}
	sign := ">"
	if goal == search.Maximize {
		sign = "<"
	}
	a, b := number(value), number(bound)
	for digits := 5; a == b; digits++ {
		a, b = strconv.FormatFloat(value, 'g', digits, 64), strconv.FormatFloat(bound, 'g', digits, 64)
	}
	return fmt.Sprintf("%s %s %s %s", a, sign, name, b)
}

// number writes a value with four digits.
func number(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }

// ordinal writes 1st, 2nd, 3rd, 4th, …
func ordinal(n int) string {
	suffix := "th"
	if n%100 < 11 || n%100 > 13 {
		switch n % 10 {
		case 1:
			suffix = "st"
		case 2:
			suffix = "nd"
		case 3:
			suffix = "rd"
		}
	}
	return strconv.Itoa(n) + suffix
}

// usable tells whether the first value can be ranked.
func usable(values []float64) bool {
	return len(values) > 0 && !math.IsNaN(values[0]) && !math.IsInf(values[0], 0)
}

// trained is the end of a trial that had the full budget.
func trained(trial, budget int) search.Stop {
	return search.Stop{Trial: trial, Completed: true, Reason: fmt.Sprintf("trained to the full budget of %d", budget)}
}

// unusable is the end of a trial whose value cannot be ranked.
func unusable(trial, budget int) search.Stop {
	return search.Stop{Trial: trial, Reason: fmt.Sprintf("rung %d: the value is not finite", budget)}
}

// stopWaiting ends every trial that waits in a rung, in the order of their
// numbers.
func stopWaiting(rungs []Rung, why func(r *Rung, i int) string) []search.Action {
	var out []search.Action
	for k := range rungs {
		r := &rungs[k]
		for i := range r.Peers {
			if p := &r.Peers[i]; p.Waiting {
				p.Waiting = false
				out = append(out, search.Stop{Trial: p.Trial, Reason: why(r, i)})
			}
		}
	}
	slices.SortFunc(out, func(a, b search.Action) int { return a.(search.Stop).Trial - b.(search.Stop).Trial })
	return out
}
