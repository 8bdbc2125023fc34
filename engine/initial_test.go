package engine

import (
	"math"
	"math/rand/v2"
	"testing"

	"budwood/data"
)

// Each initialiser has the deviation that it promises, and mean 0.
func TestInit(t *testing.T) {
	const rows, cols = 300, 200
	root := math.Sqrt(3)
	for _, c := range []struct {
		init      Init
		deviation float64
		limit     float64 // largest magnitude, as a multiple of the deviation
	}{
		{Kaiming{}, 2 / math.Sqrt(rows), 6},
		{Kaiming{FanOut: true}, 2 / math.Sqrt(cols), 6},
		{Kaiming{Uniform: true}, 2 / math.Sqrt(rows), root},
		{Xavier{}, 2 * math.Sqrt(2.0/(rows+cols)), 6},
		{Xavier{Uniform: true}, 2 * math.Sqrt(2.0/(rows+cols)), root},
		{Orthogonal{}, 2 / math.Sqrt(rows), 6},
		{Normal{}, 0.02, 6},
		{Normal{Std: 0.5}, 0.5, 6},
		{Zeros{}, 0, 0},
	} {
		w := make([]float32, rows*cols)
		w[0] = 1 // what was there does not count
		initial(c.init, rows, cols, 2).Fill(rand.New(rand.NewPCG(1, 1)), w)
		var mean, square, most float64
		for _, v := range w {
			mean += float64(v) / float64(len(w))
			square += float64(v) * float64(v) / float64(len(w))
			most = max(most, math.Abs(float64(v)))
		}
		if math.Abs(math.Sqrt(square)-c.deviation) > 0.01*c.deviation || math.Abs(mean) > 0.02*c.deviation || most > c.limit*c.deviation*1.0001 {
			t.Errorf("%v: mean %g, deviation %g, at most %g; want deviation %g", c.init, mean, math.Sqrt(square), most, c.deviation)
		}
	}
}

// The shorter side of an orthogonal matrix is orthogonal, each vector as long as
// the gain.
func TestOrthogonal(t *testing.T) {
	for _, s := range [][2]int{{7, 7}, {20, 6}, {6, 20}, {1, 5}, {5, 1}} {
		rows, cols := s[0], s[1]
		w := make([]float32, rows*cols)
		Orthogonal{}.Fill(rand.New(rand.NewPCG(2, 2)), w, rows, cols, 1.5)
		few, at := rows, func(i, j int) float64 { return float64(w[i*cols+j]) }
		if cols < rows {
			few, at = cols, func(i, j int) float64 { return float64(w[j*cols+i]) }
		}
		for a := range few {
			for b := range few {
				var dot, want float64
				for j := range max(rows, cols) {
					dot += at(a, j) * at(b, j)
				}
				if a == b {
					want = 1.5 * 1.5
				}
				if math.Abs(dot-want) > 1e-5 {
					t.Errorf("%d×%d: product of vectors %d and %d is %g, want %g", rows, cols, a, b, dot, want)
				}
			}
		}
	}
}

// Every layer that has weights takes an initialiser.
func TestInitOfLayers(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    data.Shape
	}{
		{Dense{Out: 3, Init: Zeros{}}, data.Shape{4}},
		{Conv{Out: 3, Init: Zeros{}}, data.Shape{4, 4, 2}},
		{Conv1D{Out: 3, Init: Zeros{}}, data.Shape{4, 2}},
		{GRU{Out: 3, Init: Zeros{}}, data.Shape{4, 2}},
		{Attention{Init: Zeros{}}, data.Shape{4, 2}},
		{Embedding{Vocab: 3, Out: 2, Init: Zeros{}}, data.Shape{4}},
	} {
		for i, v := range mustCompile(t, c.layer, c.in, Config{}).Params() {
			if v != 0 {
				t.Errorf("%v: parameter %d is %g", c.layer, i, v)
				break
			}
		}
	}
}
