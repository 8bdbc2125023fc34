package hpo

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// past is what the records of a study tell about its first objective.
type past struct {
	// ranked are the trials with a loss, best first. Of more than sortMost the best
	// sortedBest are in order; those behind them are in the order of their records.
	ranked  []ranked
	results []ranked // the same in the order of their records
	bad     []int    // records of trials that ended without a usable loss
	pending []int    // records of trials that go on and have none yet
	cut     int      // trials with a measurement that were stopped or wait before the full budget
	version int      // of the past that the memo has read; it changes with anything in it
}

// More results than sortMost are not sorted as a whole, so that a proposal after
// very many trials takes the time to read them once.
const sortMost, sortedBest = 1 << 12, 1 << 10

// ranked is a record with its loss.
type ranked struct {
	record int
	loss   float64
}

func (a ranked) less(b ranked) bool {
	return a.loss < b.loss || a.loss == b.loss && a.record < b.record
}

func (a ranked) compare(b ranked) int {
	if c := cmp.Compare(a.loss, b.loss); c != 0 {
		return c
	}
	return a.record - b.record
}

// read sorts the records. Where trials were stopped or wait at different
// budgets, the loss at a smaller budget is moved by what the trials that went
// on from there usually gained: the median change up to their last measurement.
func read(req search.Request) past { return new(memo).read(req) }

// rank is results, in the order of their records, in the order of past.ranked.
func rank(results []ranked) []ranked { return new(ranking).rank(results) }

// ranking is room for what rank returns and for its work.
type ranking struct{ out, room []ranked }

func (k *ranking) rank(results []ranked) []ranked {
	if len(results) <= sortMost {
		k.out = append(k.out[:0], results...)
		slices.SortFunc(k.out, ranked.compare)
		return k.out
	}
	k.room = append(k.room[:0], results...)
	last := nth(k.room, sortedBest-1)
	k.out = slices.Grow(k.out[:0], len(results))[:len(results)]
	best, rest := 0, sortedBest
	for _, r := range results {
		if !last.less(r) {
			k.out[best] = r
			best++
		} else {
			k.out[rest] = r
			rest++
		}
	}
	slices.SortFunc(k.out[:sortedBest], ranked.compare)
	return k.out
}

// nth is the result with n better ones (quickselect; Hoare 1961). It reorders.
func nth(of []ranked, n int) ranked {
	for lo, hi := 0, len(of)-1; ; {
		if hi <= lo {
			return of[n]
		}
		three := [3]ranked{of[lo], of[lo+(hi-lo)/2], of[hi]}
		slices.SortFunc(three[:], ranked.compare)
		pivot := three[1]
		i, j := lo, hi
		for i <= j {
			for of[i].less(pivot) {
				i++
			}
			for pivot.less(of[j]) {
				j--
			}
			if i <= j {
				of[i], of[j] = of[j], of[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			hi = j
		case n >= i:
			lo = i
		default:
			return of[n]
		}
	}
}

// lossOf is a trial's last loss, whatever a trial that broke may have measured.
func lossOf(r *search.Record, o search.Objective) (loss float64, ok bool) {
	if !r.State.Usable() {
		return 0, false
	}
	return r.Loss(o)
}

// gains is the median change of the loss after each budget from which trials
// went on; of very many trials, of the youngest.
func gains(records []search.Record, o search.Objective) map[int]float64 {
	var changes map[int][]float64
	for i := max(len(records)-sortMost, 0); i < len(records); i++ {
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
