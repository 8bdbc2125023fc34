package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"budwood/data"
)

// What a sequence computes in one pass gives what its layers give one by one: a
// layer in a sequence of its own sees nothing behind it.
func TestFusedLayersAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(31, 31))
	for _, in := range []data.Shape{{6, 6, 1}, {7, 5, 3}, {8, 9, 16}} {
		for _, conv := range []Conv{{Out: 16}, {Out: 20, Kernel: 1}, {Out: in[2], Groups: in[2], Stride: 2}, {Out: 3, NoBias: true, Valid: true}, {Out: 33, Kernel: 5, NoBias: true}} {
			for _, rest := range []Seq{{BatchNorm{}}, {BatchNorm{}, ReLU{}}, {BatchNorm{}, ReLU{}, MaxPool{}}, {BatchNorm{}, ReLU{}, MaxPool{Size: 3}}, {ReLU{}, MaxPool{}}, {BatchNorm{}, MaxPool{}}} {
				var whole, apart Seq
				for _, l := range append(Seq{Conv{Out: 4}, conv}, rest...) {
					whole, apart = append(whole, l), append(apart, Seq{l})
				}
				if _, err := whole.Infer(in); err != nil {
					continue // the window is larger than the image
				}
				name := fmt.Sprintf("%v of %v", whole, in)
				rows := 1 + r.IntN(4)
				a, b := newProbe(t, whole, in, rows, r), newProbe(t, apart, in, rows, r)
				copy(b.net.params, a.net.params)
				copy(b.x, a.x)
				copy(b.c, a.c)
				a.loss()
				b.loss()
				near(t, name+": outputs", a.net.y.Data.Floats[:len(a.c)], b.net.y.Data.Floats[:len(b.c)], 1e-4)
				near(t, name+": statistics", a.net.stats, b.net.stats, 1e-5)
				near(t, name+": gradients", a.gradient(), b.gradient(), 1e-3)
				a.pass.Train, b.pass.Train = false, false
				a.loss()
				b.loss()
				near(t, name+": inference", a.net.y.Data.Floats[:len(a.c)], b.net.y.Data.Floats[:len(b.c)], 1e-4)
			}
		}
	}
}

// near compares slices, relative to the largest value.
func near(t *testing.T, what string, got, want []float32, bound float64) {
	t.Helper()
	var most float64
	for _, v := range want {
		most = max(most, math.Abs(float64(v)))
	}
	for i, v := range got {
		if d := math.Abs(float64(v - want[i])); !(d <= bound*most) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
	}
}
