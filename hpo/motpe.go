package hpo

import (
	"context"
	"math/rand/v2"

	"budwood/search"
)

// MOTPE is [TPE] for several objectives (Ozaki et al. 2022). The good trials are
// those of the best fronts; of the front that does not fit as a whole, those
// that together dominate the most. The more a good trial adds to the dominated
// volume, the more it counts.
type MOTPE struct {
	Startup    int        // trials with a result before the model is used; 0 means 10
	Candidates int        // points of which the best is proposed; 0 means 32
	Cost       CostMetric // what a trial costs; "" means nothing
}

var _ search.Sampler = MOTPE{}

// Propose returns points where trials of the best fronts are dense and others
// are not.
func (t MOTPE) Propose(_ context.Context, req search.Request) ([]search.Params, error) {
	all := readSeveral(req)
	return TPE(t).propose(req, inPast(req), len(all.records), func() tpeSplit {
		scaled := all.scaled()
		s := tpeSplit{bad: all.bad, pending: all.pending}
		ref := make([]float64, len(req.Objectives))
		for k := range ref {
			ref[k] = 1.1
		}
		n := goodOf(len(all.records))
		var good [][]float64
		for _, f := range search.Fronts(scaled) {
			room := n - len(s.good)
			take := f
			if room < len(f) {
				take = subset(scaled, f, room, ref)
			}
			taken := map[int]bool{}
			for _, i := range take {
				s.good, good, taken[i] = append(s.good, all.records[i]), append(good, scaled[i]), true
			}
			for _, i := range f {
				if !taken[i] {
					s.rest = append(s.rest, all.records[i])
				}
			}
		}
		s.weight = contributions(good, ref)
		return s
	})
}

// contributions are the weights of good trials: what each adds to the volume of
// all, and no less than a tenth of the largest.
func contributions(points [][]float64, ref []float64) []float64 {
	out := make([]float64, len(points))
	total := search.Hypervolume(points, ref)
	top := 0.
	for i := range points {
		others := append(append([][]float64(nil), points[:i]...), points[i+1:]...)
		out[i] = max(total-search.Hypervolume(others, ref), 0)
		top = max(top, out[i])
	}
	for i := range out {
		if out[i] = max(out[i], top/10); !(top > 0) {
			out[i] = 1
		}
	}
	return out
}

// scalarised draws weights of objectives, evenly from the simplex.
func scalarised(rng *rand.Rand, m int) []float64 {
	w := make([]float64, m)
	sum := 0.
	for k := range w {
		w[k] = rng.ExpFloat64()
		sum += w[k]
	}
	for k := range w {
		w[k] /= sum
	}
	return w
}
