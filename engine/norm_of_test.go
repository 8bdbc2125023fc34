package engine

import (
	"math/rand/v2"
	"testing"

	"budwood/data"
)

// A norm of more features than its input has computes what it computes of a wider
// input that is 0 there.
func TestNormOfFeaturesThatAreNotThere(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		narrow, wide Layer
		from         []int // features of the wide input that are there
		of           int
	}{
		{LayerNorm{Of: 7}, LayerNorm{}, []int{0, 2, 3, 6}, 7},
		{LayerNorm{Of: 40}, LayerNorm{}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 39}, 40},
		{GroupNorm{Groups: 2, Of: 4}, GroupNorm{Groups: 2}, []int{0, 3, 4, 5}, 8},
	} {
		const rows, places = 3, 5
		narrow, _ := run(t, c.narrow, data.Shape{places, len(c.from)}, rows, r)
		wide, _ := run(t, c.wide, data.Shape{places, c.of}, rows, r)
		clear(wide.x)
		for i := range rows * places {
			for j, at := range c.from {
				wide.x[i*c.of+at] = narrow.x[i*len(c.from)+j]
			}
		}
		for _, p := range wide.net.plan.Params {
			for _, q := range narrow.net.plan.Params {
				if p.Name == q.Name {
					for j, at := range c.from {
						q.W[j] = p.W[at]
					}
				}
			}
		}
		narrow.loss()
		wide.loss()
		a, b := narrow.net.y.Data.Floats, wide.net.y.Data.Floats
		for i := range rows * places {
			for j, at := range c.from {
				if got, want := a[i*len(c.from)+j], b[i*c.of+at]; !close64(got, float64(want)) {
					t.Fatalf("%v: place %d, feature %d is %g, want %g as of %v", c.narrow, i, j, got, want, c.wide)
				}
			}
		}
	}
	for _, l := range []Layer{LayerNorm{Of: 3}, GroupNorm{Groups: 1, Of: 3}} {
		if _, err := l.Infer(data.Shape{4}); err == nil {
			t.Errorf("%v accepts 4 features", l)
		}
	}
}
