package hpo

import (
	"math"
	"math/rand/v2"

	"budwood/search"
)

// filler proposes points where nothing was tried, whatever the losses are: of some
// random points the one that is farthest from all trials (best candidate; Mitchell
// 1991), and every other time a change of one parameter of the best trial to the value
// that was tried least, as for a choice of many options of which one is good.
type filler struct {
	c    *cube
	m    metric
	x    [][]float64 // what was tried
	best []float64   // nil if there is no result
}

const (
	fillDraws = 12   // candidates
	fillMost  = 1000 // the last trials to look at
)

func newFiller(req search.Request, p past) *filler {
	f := &filler{c: newCube(req.Space)}
	f.m = newMetric(f.c)
	for i := max(len(req.Past)-fillMost, 0); i < len(req.Past); i++ {
		f.x = append(f.x, f.c.vector(req.Past[i].Params))
	}
	if len(p.ranked) > 0 {
		f.best = f.c.vector(req.Past[p.ranked[0].record].Params)
	}
	return f
}

// propose is the point of a trial. turn tells whether it is near the best one.
func (f *filler) propose(req search.Request, repeats repeated, near bool) ([]search.Params, error) {
	req.N = 1
	return untriedBy(req, repeats, func(_ int, _ []search.Params, rng *rand.Rand, again bool) search.Params {
		if again {
			return req.Space.Sample(rng)
		}
		if near && f.best != nil {
			if x := f.beside(rng); x != nil {
				return f.c.decode(x)
			}
		}
		return f.c.decode(f.farthest(rng))
	})
}

// square is the squared distance of two coordinates. The ends of a range are
// neighbours, for otherwise the farthest points were those at the borders.
func (f *filler) square(i int, u, v float64) float64 {
	d := math.Abs(u - v)
	if f.m.cat[i] || !(d > .5) {
		return f.m.square(i, u, v)
	}
	return (1 - d) * (1 - d)
}

// farthest is the best of some candidates of the prior.
func (f *filler) farthest(rng *rand.Rand) []float64 {
	var best []float64
	most := -1.
	for range fillDraws {
		x := make([]float64, len(f.c.dims))
		f.c.fill(x, func(i int) float64 { return snap(f.c.dims[i], rng.Float64()) })
		least := math.Inf(1)
		for _, y := range f.x {
			d := 0.
			for i := range x {
				d += f.square(i, x[i], y[i])
			}
			least = min(least, d)
		}
		if least > most {
			best, most = x, least
		}
	}
	return best
}

// beside is the best trial with one parameter changed: an option that was tried least,
// or the number that is farthest from those tried. A choice counts as often as it has
// options that were never tried. Nil if nothing can be changed.
func (f *filler) beside(rng *rand.Rand) []float64 {
	type lever struct {
		i      int
		counts []int // of the options of a choice
		weight float64
	}
	var levers []lever
	total := 0.
	for i, u := range f.best {
		d := f.c.dims[i]
		if u != u || d.Size() == 1 {
			continue
		}
		l := lever{i: i, weight: 1}
		if d.Kind == search.KindChoice {
			l.counts = make([]int, len(d.Options))
			for _, x := range f.x {
				if v := x[i]; v == v {
					l.counts[cell(v, len(d.Options))]++
				}
			}
			for _, n := range l.counts {
				if n == 0 {
					l.weight++
				}
			}
		}
		levers, total = append(levers, l), total+l.weight
	}
	if len(levers) == 0 {
		return nil
	}
	pick := rng.Float64() * total
	k := 0
	for k < len(levers)-1 && pick >= levers[k].weight {
		pick -= levers[k].weight
		k++
	}
	l := levers[k]
	d := f.c.dims[l.i]
	to := f.best[l.i]
	if l.counts != nil {
		least, n := math.MaxInt, 0
		own := cell(to, len(d.Options))
		for o, count := range l.counts {
			if o == own {
				continue
			}
			if count < least {
				least, n = count, 0
			}
			if count == least { // one of the equal ones, each with the same odds
				if n++; rng.IntN(n) == 0 {
					to = (float64(o) + .5) / float64(len(d.Options))
				}
			}
		}
	} else {
		most := -1.
		for range fillDraws {
			u := snap(d, rng.Float64())
			least := math.Inf(1)
			for _, x := range f.x {
				if v := x[l.i]; v == v {
					least = min(least, f.square(l.i, u, v))
				}
			}
			if least > most {
				to, most = u, least
			}
		}
	}
	x := make([]float64, len(f.best))
	f.c.fill(x, func(i int) float64 {
		switch {
		case i == l.i:
			return to
		case f.best[i] == f.best[i]:
			return f.best[i]
		}
		return snap(f.c.dims[i], rng.Float64())
	})
	return x
}
