package trees

import (
	"maps"
	"math"
	"slices"
)

// loss is what boosting minimises. Predictions f have a value for each output of a row, row-major:
// margins, before the link.
type loss struct {
	classes bool // of a classification
	// start is the best constant prediction.
	start func(c *Config, y *Target, n int) []float64
	// derive sets the derivatives of an output for each row.
	derive func(c *Config, y *Target, f []float64, output int, out []grad)
	// of is the mean loss of the rows, weighted.
	of func(c *Config, y *Target, f []float64) float64
	// quantile, if the second derivative is not that of the loss: which quantile of the
	// residuals of its rows a leaf takes in the end.
	quantile func(c *Config) float64
	// link turns the margins of a row into what is predicted: probabilities of the classes,
	// or a value.
	link func(f, out []float64)
}

var losses = map[string]loss{
	"squared": squared, "absolute": absolute, "quantile": quantileLoss, "poisson": poisson,
	"logistic": logistic, "softmax": softmax,
}

// Losses are the names that Config.Loss may have.
func Losses() []string { return slices.Sorted(maps.Keys(losses)) }

// outputs is the number of trees of a round.
func (c *Config) outputs() int {
	if c.Loss == "softmax" {
		return c.Classes
	}
	return 1
}

// mean is the weighted mean of something over the rows.
func (y *Target) mean(n int, of func(i int) float64) float64 {
	var top, bottom float64
	for i := range n {
		w := y.weight(i)
		top += w * of(i)
		bottom += w
	}
	return top / bottom
}

// same is the link of losses whose margin is the value.
func same(f, out []float64) { out[0] = f[0] }

// atQuantile is the weighted quantile of some values: the lowest of those up to which
// there is the share a of the weight, or the middle between it and the next if it is that exactly.
func atQuantile(a float64, values []float64, weight func(i int) float64) float64 {
	order := make([]int, len(values))
	all := 0.
	for i := range order {
		order[i] = i
		all += weight(i)
	}
	slices.SortStableFunc(order, func(i, j int) int {
		switch {
		case values[i] < values[j]:
			return -1
		case values[i] > values[j]:
			return 1
		}
		return 0
	})
	sum := 0.
	for k, i := range order {
		if sum += weight(i); sum > a*all || k == len(order)-1 {
			return values[i]
		} else if sum == a*all {
			for _, next := range order[k+1:] {
				if weight(next) > 0 {
					return (values[i] + values[next]) / 2
				}
			}
			return values[i]
		}
	}
	return 0
}

const leastH = 1e-16

var clampProbability = func(p float64) float64 { return min(max(p, 1e-15), 1-1e-15) }

func logit(p float64) float64 { p = clampProbability(p); return math.Log(p / (1 - p)) }
