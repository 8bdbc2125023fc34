package nas

import (
	"math"
	"slices"
	"testing"

	"budwood/search"
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
	e := fitEnsemble(x[:200], placed(y[:200]), search.Rand(2, 0))
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
	if r := spearman(said, y[200:]); !(r > .7) || !(unknown > known) || !(known > 0) {
		t.Errorf("rank correlation %.3f with what is to be learned, deviation %.3g where known, %.3g where not", r, known, unknown)
	}
}
