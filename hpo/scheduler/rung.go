package scheduler

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

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
	Aside    []Peer `json:"aside,omitempty"`    // peers that do not count meanwhile, by trial
}

// Peer is a trial in a rung.
type Peer struct {
	Trial   int       `json:"trial"`
	Values  []float64 `json:"values"`            // the objectives
	Front   int       `json:"front,omitempty"`   // with several goals: 1 if no peer dominates it, …
	Waiting bool      `json:"waiting,omitempty"` // paused here
	Risen   bool      `json:"risen,omitempty"`   // went on to the next rung
	Done    bool      `json:"done,omitempty"`    // trained to its end: the full budget, or until it no longer improved
}

// budgets are the rungs below and at the full budget: top, top/eta, top/eta², …
// as long as they are no less than low.
func budgets(low, top, eta int) []int { return ladder(low, top, float64(eta)) }

// ladder is budgets for any ratio above 1.
func ladder(low, top int, eta float64) []int {
	low = max(low, 1)
	top = max(top, low)
	out := []int{top}
	for x := float64(top) / eta; x >= float64(low) && x >= 1; x /= eta {
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

// add puts a peer in its place and returns it. With further goals, the peers are
// ordered by their non-dominated front instead of the first objective.
func (r *Rung) add(p Peer, goal search.Goal, also ...search.Goal) int {
	p.Values = slices.Clone(p.Values)
	if len(also) > 0 {
		r.Peers = append(r.Peers, p)
		r.sort(append([]search.Goal{goal}, also...))
		return slices.IndexFunc(r.Peers, func(q Peer) bool { return q.Trial == p.Trial })
	}
	i, _ := slices.BinarySearchFunc(r.Peers, p, func(have, p Peer) int {
		if goal.Better(p.Values[0], have.Values[0]) {
			return 1
		}
		return -1
	})
	r.Peers = slices.Insert(r.Peers, i, p)
	return i
}

// sort orders the peers by front (Schmucker et al. 2021), those of a front so that
// the first ones are spread out, and notes each one's front.
func (r *Rung) sort(goals []search.Goal) {
	losses := make([][]float64, len(r.Peers))
	for i, p := range r.Peers {
		losses[i] = make([]float64, len(goals))
		for k, g := range goals {
			losses[i][k] = math.Inf(1) // not measured
			if k < len(p.Values) && !math.IsNaN(p.Values[k]) {
				losses[i][k] = g.Loss(p.Values[k])
			}
		}
	}
	sorted := make([]Peer, 0, len(r.Peers))
	for n, front := range search.Fronts(losses) {
		for _, i := range spreadOut(losses, front) {
			p := r.Peers[i]
			p.Front = n + 1
			sorted = append(sorted, p)
		}
	}
	r.Peers = sorted
}

// goOn answers a free slot with the trials that wait, those in the highest rung
// first, then with new ones.
func goOn(rungs []Rung, e search.Free, next *int) []search.Action {
	var out []search.Action
	for k := len(rungs) - 2; k >= 0; k-- {
		r := &rungs[k]
		for i := range r.Peers {
			if p := &r.Peers[i]; p.Waiting && len(out) < e.Slots {
				p.Waiting, p.Risen = false, true
				out = append(out, search.Resume{Trial: p.Trial, Budget: rungs[k+1].Budget, Reason: r.rank(i)})
			}
		}
	}
	for range min(e.Slots-len(out), e.New) {
		out = append(out, search.Start{Trial: *next, Budget: rungs[0].Budget})
		*next++
	}
	return out
}

// rank says where a peer stands: "rung 9: 0.931 is 1st of 9"; with several
// objectives "rung 9: (0.931, 12) is in front 1, 2nd of 9".
func (r *Rung) rank(i int) string {
	if p := &r.Peers[i]; p.Front > 0 {
		return fmt.Sprintf("rung %d: %s is in front %d, %s of %d", r.Budget, tuple(p.Values), p.Front, ordinal(i+1), r.size())
	}
	return fmt.Sprintf("rung %d: %s is %s of %d", r.Budget, number(r.Peers[i].Values[0]), ordinal(i+1), r.size())
}

// below says that peer i is not among the best top: "rung 9: 0.712 < cut 0.748 of
// 9 peers"; with several objectives "rung 9: (0.712, 12) is in front 3, the cut is
// in front 1 of 9 peers".
func (r *Rung) below(i, top int, goal search.Goal) string {
	if p, cut := &r.Peers[i], &r.Peers[top-1]; p.Front > cut.Front {
		return fmt.Sprintf("rung %d: %s is in front %d, the cut is in front %d of %d peers", r.Budget, tuple(p.Values), p.Front, cut.Front, r.size())
	} else if p.Front > 0 {
		return fmt.Sprintf("rung %d: %s is in front %d with the cut, but nearer to others, of %d peers", r.Budget, tuple(p.Values), p.Front, r.size())
	}
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

// tuple writes values: (0.712, 12).
func tuple(values []float64) string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = number(v)
	}
	return "(" + strings.Join(out, ", ") + ")"
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

// usable reports whether the first value can be ranked.
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

// settle answers [search.Settle]. The best is the one with the best first value,
// whatever its rung, for a trial's value is the best that it has reached so far; of
// equals the one that came first, as everywhere.
func settle(e search.Settle, goal search.Goal, ladders ...[]Rung) []search.Action {
	better := func(p, q *Peer) bool {
		return goal.Better(p.Values[0], q.Values[0]) || p.Values[0] == q.Values[0] && p.Trial < q.Trial
	}
	var best, rival *Peer
	var r *Rung // the best's
	next := 0
	for _, rungs := range ladders {
		for k := range rungs {
			for i := range rungs[k].Peers {
				switch p := &rungs[k].Peers[i]; {
				case p.Waiting && k+1 < len(rungs):
					if best == nil || better(p, best) {
						best, r, next = p, &rungs[k], rungs[k+1].Budget
					}
				case p.Done, slices.Contains(e.Running, p.Trial):
					if rival == nil || better(p, rival) {
						rival = p
					}
				}
			}
		}
	}
	if best == nil || rival != nil && better(rival, best) {
		return nil
	}
	best.Waiting, best.Risen = false, true
	return []search.Action{search.Resume{Trial: best.Trial, Budget: next, Reason: fmt.Sprintf("rung %d: %s is the best as the study ends", r.Budget, number(best.Values[0]))}}
}

// stopWaiting is why every trial that waits in a rung ends with the study, in the
// order of their numbers. Their state stays: the study may go on.
func stopWaiting(rungs []Rung, why func(r *Rung, i int) string) []search.Action {
	var out []search.Action
	for k := range rungs {
		r := &rungs[k]
		for i := range r.Peers {
			if p := &r.Peers[i]; p.Waiting {
				out = append(out, search.Stop{Trial: p.Trial, Reason: why(r, i)})
			}
		}
	}
	slices.SortFunc(out, func(a, b search.Action) int { return a.(search.Stop).Trial - b.(search.Stop).Trial })
	return out
}
