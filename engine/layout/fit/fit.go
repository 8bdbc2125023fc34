package main

import (
	"math"
	"reflect"

	"budwood/engine/layout"
)

// guess are the constants that one would write down before looking at any run.
// Where the runs say little, the constants stay near: see prior.
var guess = layout.Constants{Products: .75, Faster: .1, FP8: .5, Attention: .4, Width: 1, Rows: 1, Moves: 1.5, Layer: 3e-5,
	Inside: .7, Between: .7, OneCard: .7, Overlap: .1, Gather: .2, Stagger: .01, Spread: .005}

// prior is the loss of a constant that is e times its guess, or a part of e: .002 is
// as much as an error of 10 % of one run in fifty.
const prior = .002

// smooth is the error below which the loss is round: the runs are not told more
// exactly.
const smooth = .02

// choice is the weight of a published plan's time against that of the best one that
// the model knows: its authors had looked for a good one.
const choice = 1

// vector is the logarithms of the constants, in the order of the fields.
func vector(k *layout.Constants) []float64 {
	v := reflect.ValueOf(k).Elem()
	out := make([]float64, v.NumField())
	for i := range out {
		out[i] = math.Log(v.Field(i).Float())
	}
	return out
}

// constants is the inverse of vector.
func constants(x []float64) *layout.Constants {
	k := &layout.Constants{}
	v := reflect.ValueOf(k).Elem()
	for i := range x {
		v.Field(i).SetFloat(math.Exp(x[i]))
	}
	return k
}

// loss is the weighted mean of |log(predicted/measured)|, smooth near 0, and what the
// constants are away from the guess. Shares stay below 1.
func loss(k *layout.Constants, runs []*run, weight map[string]float64) float64 {
	sum, all := 0.0, 0.0
	for _, r := range runs {
		w := weight[r.kind()]
		all += w
		_, t, err := r.fastest(k)
		if err != nil { // the model would not choose any plan: as wrong as can be
			sum += 10 * w
			continue
		}
		sum += w * math.Hypot(math.Log(t/r.seconds()), smooth)
		if _, rival, err := fastest(r.problem, k, r.rivals); err == nil && rival > 0 {
			sum += w * choice * max(0, math.Log(t/rival)-smooth)
		}
	}
	far := 0.0
	for i, x := range vector(k) {
		far += prior * math.Pow(x-math.Log(reflect.ValueOf(guess).Field(i).Float()), 2)
	}
	for _, share := range []float64{k.Products, k.FP8, k.Attention, k.Inside, k.Between, k.OneCard, k.Overlap, k.Gather} {
		far += 20 * math.Pow(max(0, share-1), 2)
	}
	return sum/all + far
}

// kind is a source and a device.
func (r *run) kind() string { return r.source + " " + r.device }

// weights gives n runs of a kind a say of √n: many alike do not drown the few.
func weights(runs []*run) map[string]float64 {
	out := map[string]float64{}
	for _, r := range runs {
		out[r.kind()]++
	}
	for kind, n := range out {
		out[kind] = 1 / math.Sqrt(n)
	}
	return out
}

// fit finds the constants of least loss by the method of Nelder and Mead from the
// guess, begun again where it ends until that helps no more.
func fit(runs []*run) *layout.Constants {
	weight := weights(runs)
	f := func(x []float64) float64 { return loss(constants(x), runs, weight) }
	x := vector(&guess)
	best := f(x)
	for range 8 {
		p := minimize(f, x, .3, 1e-5, 2000)
		gain := best - p.f
		if gain > 0 {
			x, best = p.x, p.f
		}
		if gain < 1e-4 {
			break
		}
	}
	return constants(x)
}
