package nas

import (
	"math"
	"slices"
	"testing"

	"budwood/search"

	"gonum.org/v1/gonum/stat"
)

// The ensemble learns a property of networks from some and ranks others by it;
// what it has not seen it is less sure of.
func TestEnsembleLearns(t *testing.T) {
	space := digits(t)
	var x [][]uint32
	var y []float64
	for i := range 300 {
		g := space.Sample(search.Rand(1, i))
		_, n, err := space.build(g)
		if err != nil {
			t.Fatal(err)
		}
		f := encode(g, nil, nil)
		if s := slices.Sorted(slices.Values(f)); len(slices.Compact(s)) != len(f) {
			t.Fatalf("features are not distinct: %v", f)
		}
		x, y = append(x, f), append(y, math.Log(float64(n.MACs)))
	}
	e := &ensemble{seed: 2}
	for i, f := range x[:200] {
		e.learn(i, f)
	}
	e.fit(placed(y[:200]))
	var said []float64
	known, unknown := 0., 0.
	for i, f := range x {
		mean, deviation := e.predict(f)
		if i < 200 {
			known += deviation / 200
		} else {
			said, unknown = append(said, mean), unknown+deviation/100
		}
	}
	if r := search.Spearman(said, y[200:]); !(r > .7) || !(unknown > known) || !(known > 0) {
		t.Errorf("rank correlation %.3f with what is to be learned, deviation %.3g where known, %.3g where not", r, known, unknown)
	}
}

// Over many seeds, the spread of the draws is the posterior's standard deviation, and
// the mean of every seed is the posterior's mean.
func TestEnsembleIsThePosterior(t *testing.T) {
	x := [][]uint32{{1, 2}, {1, 3}, {2, 3}, {1, 2, 4}}
	y := []float64{1, -1, .5, 2}
	of := []uint32{1, 3, 5} // a trial has the first two, none the last one
	kernel := func(a, b []uint32) float64 {
		shared := 0.
		for _, f := range a {
			if slices.Contains(b, f) {
				shared++
			}
		}
		return weightVariance * shared / math.Sqrt(float64(len(a)*len(b)))
	}
	bias := stat.Mean(y, nil)
	// (K + noise)·[v w] = [y−bias k], by elimination.
	m := make([][]float64, len(x))
	for i := range x {
		for j := range x {
			m[i] = append(m[i], kernel(x[i], x[j]))
		}
		m[i][i] += noiseVariance
		m[i] = append(m[i], y[i]-bias, kernel(x[i], of))
	}
	for i := range m {
		for j := range m {
			for k, f := len(m[i])-1, m[j][i]/m[i][i]; j != i && k >= i; k-- {
				m[j][k] -= f * m[i][k]
			}
		}
	}
	wantMean, wantVariance := bias, kernel(of, of)
	for i := range m {
		k := kernel(x[i], of)
		wantMean += k * m[i][len(m)] / m[i][i]
		wantVariance -= k * m[i][len(m)+1] / m[i][i]
	}
	variance := 0.
	const seeds = 3000
	for seed := range uint64(seeds) {
		e := &ensemble{seed: seed}
		for i, f := range x {
			e.learn(i, f)
		}
		e.fit(y)
		mean, deviation := e.predict(of)
		if math.Abs(mean-wantMean) > 1e-9 {
			t.Fatalf("mean %v, want %v", mean, wantMean)
		}
		variance += deviation * deviation / seeds
	}
	if math.Abs(variance/wantVariance-1) > .05 { // six times the standard error
		t.Errorf("variance %.3f, want %.3f", variance, wantVariance)
	}
}

// Trials that are learned after others were forgotten leave no trace of those.
func TestEnsembleForgets(t *testing.T) {
	space := digits(t)
	e := [2]*ensemble{{seed: 3}, {seed: 3}}
	var y []float64
	for i := range 90 {
		f := encode(space.Sample(search.Rand(1, i)), nil, nil)
		e[0].learn(i, f)
		if i < 40 || i >= 60 {
			e[1].learn(i, f)
			y = append(y, float64(i*7919%101))
		}
		if i == 59 {
			e[0].forget(40)
		}
	}
	e[0].fit(y)
	e[1].fit(y)
	for i := range 50 {
		f := encode(space.Sample(search.Rand(4, i)), nil, nil)
		m, d := e[0].predict(f)
		n, s := e[1].predict(f)
		if m != n || d != s {
			t.Fatalf("candidate %d: %v ± %v, want %v ± %v", i, m, d, n, s)
		}
	}
}
