package hpo

import (
	"math"
	"slices"

	"budwood/search"
)

// Importance is how much a parameter matters.
type Importance struct {
	Param string  `json:"param"`
	Share float64 `json:"share"` // of all parameters' importance
}

// fewest trials with a loss from which anything is said about importance.
const importanceTrials = 8

// sample are trials as an importance sees them: vectors on the cube, losses
// ascending. Trials that were stopped count with the loss that they would
// probably have reached (see read), those that broke as worse than all others.
type sample struct {
	c      *cube
	x      [][]float64
	loss   []float64
	broken int // number of the last rows that have no loss of their own
}

func newSample(space search.Space, trials []search.Record, o search.Objective) sample {
	req := search.Request{Space: space, Objectives: []search.Objective{o}, Past: trials}
	p := read(req)
	s := sample{c: newCube(space), broken: len(p.bad)}
	slices.SortFunc(p.ranked, ranked.compare) // of very many trials only the best are in order
	for _, r := range p.ranked {
		s.x = append(s.x, s.c.vector(trials[r.record].Params))
		s.loss = append(s.loss, r.loss)
	}
	if len(s.loss) == 0 {
		return s
	}
	worst := s.loss[len(s.loss)-1]
	for _, i := range p.bad {
		s.x = append(s.x, s.c.vector(trials[i].Params))
		s.loss = append(s.loss, worst)
	}
	return s
}

// shares scales importances to the sum 1, the largest first. Without any they are
// all 0.
func (s sample) shares(importance []float64) []Importance {
	sum := 0.
	for _, v := range importance {
		sum += v
	}
	out := make([]Importance, len(importance))
	for k, v := range importance {
		out[k].Param = s.c.dims[k].Name
		if sum > 0 && !math.IsInf(sum, 0) {
			out[k].Share = v / sum
		}
	}
	slices.SortStableFunc(out, func(a, b Importance) int {
		switch {
		case a.Share > b.Share:
			return -1
		case a.Share < b.Share:
			return 1
		}
		return 0
	})
	return out
}
