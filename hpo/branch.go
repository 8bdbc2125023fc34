package hpo

import (
	"math"
	"slices"
)

// branch is a part of a conditional space: the points at which some choices have
// given values. A process that has seen much of a good branch and little of a
// better one expects nothing from the latter. So every other trial of such a space
// is spent inside one branch, on the improvement over the best point there. The
// choices take turns (round-robin), and of a choice's options the one comes first
// that was tried least.
type branch struct {
	pins []float64 // coordinates, NaN where free
}

// has reports whether a point is in the branch.
func (s branch) has(x []float64) bool {
	for i, v := range s.pins {
		if v == v && x[i] != v {
			return false
		}
	}
	return true
}

// branches lists the choices that have parameters below an option, each as the
// branches of its options.
func (c *cube) branches() [][]branch {
	var out [][]branch
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
				out[at] = append(out[at], branch{p})
				walk(below, p)
			}
		}
	}
	walk(c.tree, missing(len(c.dims)))
	return out
}

// roundRobin is the branch whose turn a trial is; ok is false if the trial is not
// bound to one. points are the vectors of the trials so far.
func roundRobin(branches [][]branch, trial int, points [][]float64) (s branch, ok bool) {
	if len(branches) == 0 || trial%2 == 0 {
		return s, false
	}
	options := branches[trial/2%len(branches)]
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
