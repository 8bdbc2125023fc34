package hpo

import (
	"math"

	"budwood/search"
)

// Points are nearly the same if no number of them differs by more than this share of
// its range, and no category differs.
const nearly = 1e-4

// nearPast knows which points nearly repeat one of the best or the last trials, or a
// trial that runs. With much noise near means farther: to try a point again says little
// that is new.
type nearPast struct {
	c    *cube
	x    [][]float64
	near float64
	next []float64 // room
}

// The best trials and the last ones to look at.
const nearBest, nearLast = 100, 100

func newNearPast(req search.Request, c *cube, p past) *nearPast {
	n := &nearPast{c: c, near: nearly, next: make([]float64, len(c.dims))}
	seen := map[int]bool{}
	add := func(record int) {
		if !seen[record] {
			seen[record] = true
			n.x = append(n.x, c.vector(req.Past[record].Params))
		}
	}
	for _, r := range p.ranked[:min(len(p.ranked), nearBest)] {
		add(r.record)
	}
	for _, r := range p.results[max(len(p.results)-nearLast, 0):] {
		add(r.record)
	}
	for _, of := range [][]int{p.pending, p.bad} {
		for _, r := range of[max(len(of)-nearLast, 0):] {
			add(r)
		}
	}
	return n
}

// has reports whether a point is nearly one of them.
func (n *nearPast) has(p search.Params) bool {
	n.c.encode(p, n.next)
	return n.hasVector(n.next)
}

func (n *nearPast) hasVector(x []float64) bool {
	for _, y := range n.x {
		if nearlySame(x, y, n.near) {
			return true
		}
	}
	return false
}

// nearlySame reports whether no coordinates differ by more than that. A parameter that
// one point has and the other one has not makes them differ.
func nearlySame(x, y []float64, by float64) bool {
	for i, u := range x {
		if v := y[i]; math.Abs(u-v) > by || (u != u) != (v != v) {
			return false
		}
	}
	return true
}
