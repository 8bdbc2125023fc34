package hpo

import (
	"math"
	"slices"
)

// stratum is a part of a space with branches: the points at which some choices
// have given values. A process that has seen much of a good branch and little of
// a better one expects nothing from the latter; so every other trial of such a
// space is spent inside a stratum, on the improvement over the best point there.
// The strata take turns by choice, and of a choice's options the one comes first
// that was tried least.
type stratum struct {
	pins []float64 // coordinates, NaN where free
}

// has tells whether a point is in the stratum.
func (s stratum) has(x []float64) bool {
	for i, v := range s.pins {
		if v == v && x[i] != v {
			return false
		}
	}
	return true
}

// forks lists the choices that have branches below an option, each as the strata
// of its options.
func (c *cube) forks() [][]stratum {
	var out [][]stratum
	var walk func(nodes []node, pins []float64)
	walk = func(nodes []node, pins []float64) {
		for _, n := range nodes {
			if !slices.ContainsFunc(n.options, func(o []node) bool { return len(o) > 0 }) {
				continue
			}
			at := len(out)
			out = append(out, nil)
			for o, below := range n.options {
				p := slices.Clone(pins)
				p[n.i] = (float64(o) + .5) / float64(len(n.options))
				out[at] = append(out[at], stratum{p})
				walk(below, p)
			}
		}
	}
	walk(c.tree, missing(len(c.dims)))
	return out
}

// turn is the stratum for a trial; ok is false if it is not bound to one.
func turn(forks [][]stratum, trial int, points [][]float64) (s stratum, ok bool) {
	if len(forks) == 0 || trial%2 == 0 {
		return s, false
	}
	options := forks[trial/2%len(forks)]
	least := -1
	for _, o := range options {
		n := 0
		for _, x := range points {
			if o.has(x) {
				n++
			}
		}
		if least < 0 || n < least {
			least, s = n, o
		}
	}
	return s, true
}

// missing is a vector without coordinates.
func missing(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = math.NaN()
	}
	return x
}
