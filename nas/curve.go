package nas

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// curve is what is kept of a learning curve.
type curve struct {
	mean   float64 // loss over the measurements
	rises  float64 // sum of the steps in which the loss became worse
	number int     // of all steps
}

// curveOf reads measurements, of which the last loss is given. One that is missing
// or not finite counts as the last.
func curveOf(ms []search.Measurement, o search.Objective, last float64) curve {
	c := curve{mean: last / float64(len(ms)), number: len(ms) - 1}
	next := last
	for i := len(ms) - 2; i >= 0; i-- {
		l := o.Goal.Loss(ms[i].Metrics[o.Metric])
		if _, ok := ms[i].Metrics[o.Metric]; !ok || math.IsNaN(l) || math.IsInf(l, 0) {
			l = last
		}
		c.mean += l / float64(len(ms))
		c.rises += max(next-l, 0)
		next = l
	}
	return c
}

// chance is a cautious guess at how much of a difference between two losses is
// chance: how much worse a loss becomes from one measurement to the next, on average over
// all steps. Learning alone makes none worse; of values that only scatter it is about half
// the standard deviation.
func chance(all []*individual) float64 {
	sum, n := 0., 0
	for _, i := range all {
		sum, n = sum+i.curve.rises, n+i.curve.number
	}
	return sum / float64(max(n, 1))
}

// settle puts those whose losses differ from the first one's by no more than
// chance in the order of their learning curves, the best first.
func settle(byLoss []*individual, chance float64) {
	n := 0
	for n < len(byLoss) && byLoss[n].losses[0] <= byLoss[0].losses[0]+chance {
		n++
	}
	slices.SortStableFunc(byLoss[:n], func(a, b *individual) int { return cmp.Compare(a.curve.mean, b.curve.mean) })
}
