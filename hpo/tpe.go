package hpo

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"

	"budwood/search"
)

// TPE is the tree-structured Parzen estimator.
type TPE struct {
	Startup    int // trials with a result before the model is used; 0 means 10
	Candidates int // points of which the best is proposed; 0 means 24
}

var _ search.Sampler = TPE{}

func knob(name string, def float64) float64 {
	if s := os.Getenv(name); s != "" {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			panic(err)
		}
		return v
	}
	return def
}

// Propose returns points where good trials are dense and bad ones are not.
func (t TPE) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	h := newHalton(req)
	start := orDefault(t.Startup, 1, int(knob("START", 10)))
	var out []search.Params
	c := newCube(req.Space)
	past := observe(req)
	return untriedAfter(req, &out, func(i int, rng *rand.Rand, again bool) search.Params {
		if past.usable < start {
			if again {
				return req.Space.Sample(rng)
			}
			return h.point(req.First + i)
		}
		return t.model(req, c, past, out, rng)
	})
}

type pastData struct {
	row    []int // records, best first
	usable int
	n      int // ranked ones; then bad then pending
	loss   []float64
}

func observe(req search.Request) pastData {
	var p pastData
	type ob struct {
		i int
		l float64
	}
	var good []ob
	var bad []int
	for i := range req.Past {
		r := &req.Past[i]
		if l, ok := r.Loss(req.Objectives[0]); ok {
			good = append(good, ob{i, l})
		} else {
			bad = append(bad, i)
		}
	}
	slices.SortStableFunc(good, func(a, b ob) int {
		if a.l < b.l {
			return -1
		}
		if a.l > b.l {
			return 1
		}
		return 0
	})
	for _, g := range good {
		p.row = append(p.row, g.i)
		p.loss = append(p.loss, g.l)
	}
	p.row = append(p.row, bad...)
	p.usable = len(good)
	return p
}

func (t TPE) model(req search.Request, c *cube, past pastData, out []search.Params, rng *rand.Rand) search.Params {
	n := past.usable
	ng := min(int(math.Ceil(knob("GAMMA", .1)*float64(n))), int(knob("GMAX", 25)))
	if knob("SQRT", 0) > 0 {
		ng = min(int(math.Ceil(knob("SQRT", 0)*math.Sqrt(float64(n)))), 25)
	}
	ng = max(ng, min(n, int(knob("GMIN", 1))))
	vec := func(p search.Params) []float64 { x := make([]float64, len(c.dims)); c.encode(p, x); return x }
	var xl, xg [][]float64
	var wl, wg []float64
	for r, i := range past.row {
		x := vec(req.Past[i].Params)
		w := 1.0
		if r < ng {
			xl = append(xl, x)
			if knob("EIW", 0) > 0 {
				w = past.loss[min(ng, n-1)] - past.loss[r]
			}
			if knob("RANKW", 0) > 0 {
				w = math.Log(float64(ng)+.5+knob("RANKW", 0)) - math.Log(float64(r+1))
			}
			wl = append(wl, w)
		} else {
			xg = append(xg, x)
			if knob("RAMP", 0) > 0 && len(past.row) > 25 {
				m := len(past.row) - 25
				if i < m {
					w = 1/float64(len(past.row)) + (1-1/float64(len(past.row)))*float64(i)/float64(m)
				}
			}
			wg = append(wg, w)
		}
	}
	if s := sum(wl); s > 0 {
		for i := range wl {
			wl[i] *= float64(len(wl)) / s
		}
	} else {
		for i := range wl {
			wl[i] = 1
		}
	}
	for _, p := range out {
		xg = append(xg, vec(p))
		wg = append(wg, 1)
	}
	D := float64(len(c.dims))
	bw := func(n int, sd float64) float64 {
		if k := knob("SCOTT", 0); k > 0 {
			return max(k*sd*math.Pow(float64(max(n, 1)), -1/(D+4)), knob("MINBW", 1)/min(knob("MAGIC", 100), float64(n+2)))
		}
		return max(knob("BW", .2)*math.Pow(float64(max(n, 1)), -1/(D+4)), knob("MINBW", 1)/min(knob("MAGIC", 100), float64(n+2)))
	}
	l := newParzen(c, xl, wl, knob("PRIOR", 1), bw)
	g := newParzen(c, xg, wg, knob("PRIOR", 1), bw)
	x := make([]float64, len(c.dims))
	best, top := make([]float64, len(c.dims)), math.Inf(-1)
	found := false
	cands := orDefault(t.Candidates, 1, int(knob("CAND", 24)))
	for range cands {
		l.sample(rng, x)
		if s := l.logDensity(x) - g.logDensity(x); s > top {
			if repeats(req, out, c.decode(x)) {
				continue
			}
			top = s
			copy(best, x)
			found = true
		}
	}
	if !found {
		return req.Space.Sample(rng)
	}
	return c.decode(best)
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

func untriedAfter(req search.Request, out *[]search.Params, draw func(i int, rng *rand.Rand, again bool) search.Params) ([]search.Params, error) {
	for i := range req.N {
		rng := req.Rand(i)
		p := draw(i, rng, false)
		for try := 0; repeats(req, *out, p); try++ {
			if try == 64 {
				var ok bool
				if p, ok = leftOver(req, *out, rng); !ok {
					if len(*out) == 0 {
						return nil, search.ErrExhausted
					}
					return *out, nil
				}
				break
			}
			p = draw(i, rng, true)
		}
		*out = append(*out, p)
	}
	return *out, nil
}
