package hpo

import (
	"math"
	"slices"
)

// output makes losses fit for a Gaussian process: log(1 + (y − y₁)/δ), y₁ the
// least loss, then centred and scaled. A small δ spreads what is close to the
// best and draws in what is far from it (outliers too); an infinite one leaves
// the losses as they are. It is a warped GP (Snelson et al. 2004) whose δ is
// chosen by the posterior density, of which logSlope is a part.
type output struct {
	least, delta float64
	shift, scale float64
}

// outputShares are the δ that are tried, relative to the distance of the median
// from the least loss.
var outputShares = []float64{math.Inf(1), 1, .1, .01, .001}

// spreadOf is the distance of the median from the least of sorted losses, or of
// the first higher quantile that is more than the least.
func spreadOf(sorted []float64) float64 {
	for _, v := range sorted[len(sorted)/2:] {
		if d := v - sorted[0]; d > 0 && !math.IsInf(d, 0) {
			return d
		}
	}
	return 1
}

// newOutput is the transformation of some losses.
func newOutput(losses []float64, delta float64) output {
	o := output{least: slices.Min(losses), delta: delta, scale: 1}
	n, sum := float64(len(losses)), 0.0
	y := make([]float64, len(losses))
	for i, v := range losses {
		y[i] = o.bend(v)
		sum += y[i] / n
	}
	sd := 0.0
	for _, v := range y {
		sd += (v - sum) / n * (v - sum)
	}
	if sd = math.Sqrt(sd); sd > 0 && !math.IsInf(sd, 0) {
		o.scale = sd
	}
	if !math.IsInf(sum, 0) {
		o.shift = sum
	}
	return o
}

func (o output) bend(y float64) float64 {
	d := max(y-o.least, 0)
	if math.IsInf(o.delta, 1) {
		return min(d, 1e150)
	}
	return math.Log1p(d / o.delta)
}

func (o output) apply(losses []float64) []float64 {
	out := make([]float64, len(losses))
	for i, v := range losses {
		out[i] = (o.bend(v) - o.shift) / o.scale
	}
	return out
}

// logSlope is Σ log dy'/dy.
func (o output) logSlope(losses []float64) float64 {
	sum := -float64(len(losses)) * math.Log(o.scale)
	if math.IsInf(o.delta, 1) {
		return sum
	}
	for _, v := range losses {
		sum -= math.Log(o.delta + max(v-o.least, 0))
	}
	return sum
}
