package engine

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
)

// roundedBound is the distance of a convolution in 16 bits from the one in
// float32 of rounded operands, relative to the length of the result: the order of
// the sums.
const roundedBound = 2e-6

// A convolution in 16 bits is the one in float32 of rounded operands, for every
// shape of image, kernel, stride and group; the gradient of the bias is that of
// what was not rounded.
func TestConvRounds(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 3))
	for range 150 {
		groups := 1
		c, out := 1+r.IntN(9), 1+r.IntN(40)
		switch r.IntN(4) {
		case 0:
			groups = 1 + r.IntN(3)
			c, out = groups*(1+r.IntN(4)), groups*(1+r.IntN(4))
		case 1:
			groups = 1 + r.IntN(20)
			c, out = groups, groups
		case 2:
			c = 2 * (1 + r.IntN(20))
		}
		k := 1 + r.IntN(4)
		var l Layer
		in := data.Shape{k + r.IntN(8), k + r.IntN(17), c}
		if r.IntN(3) == 0 {
			l = Conv1D{Out: out, Kernel: k, Stride: 1 + r.IntN(2), Groups: groups, Causal: r.IntN(2) == 0, Dilation: 1 + r.IntN(2)}
			in = in[1:]
		} else {
			l = Conv{Out: out, Kernel: k, Stride: 1 + r.IntN(3), Groups: groups, Valid: r.IntN(3) == 0, NoBias: r.IntN(4) == 0}
		}
		if r.IntN(2) == 0 {
			l = Seq{l, ReLU{}}
		}
		for _, p := range []Precision{BF16, FP16} {
			half, seed := newProbeIn(t, p, l, in, 3, rand.New(rand.NewPCG(5, 5))), rand.New(rand.NewPCG(5, 5))
			plain := newProbe(t, l, in, 3, seed)
			kernel.Round(plain.x, plain.x, p.format())
			for _, q := range plain.net.plan.Params {
				if strings.HasSuffix(q.Name, "weight") {
					kernel.Round(q.W, q.W, p.format())
				}
			}
			half.gradient() // what is left in scratch memory does not count
			half.loss()
			y := append([]float32(nil), half.net.y.Data.Floats...)
			got := half.gradient()
			plain.loss()
			apart(t, l, in, p, "output", y, plain.net.y.Data.Floats)
			bias := plain.gradient()
			kernel.Round(plain.c, plain.c, p.format())
			want := plain.gradient()
			apart(t, l, in, p, "gradient of the input", got[:len(half.x)], want[:len(half.x)])
			got, want, bias = got[len(half.x):], want[len(half.x):], bias[len(half.x):]
			for _, q := range plain.net.plan.Params {
				n := len(q.W)
				if strings.HasSuffix(q.Name, "bias") {
					want = bias
				}
				apart(t, l, in, p, "gradient of "+q.Name, got[:n], want[:n])
				got, want, bias = got[n:], want[n:], bias[n:]
			}
			if t.Failed() {
				return
			}
		}
	}
}

func apart(t *testing.T, l Layer, in data.Shape, p Precision, what string, got, want []float32) {
	t.Helper()
	var d float64
	for i, v := range got {
		d += math.Pow(float64(v-want[i]), 2)
	}
	if r := math.Sqrt(d); !(r <= roundedBound*norm(want)) {
		t.Errorf("%v of %v in %v: the %s is %g away, relative to its length", l, in, p, what, r/norm(want))
	}
}

// A convolution in 16 bits rounds: its result is not that in float32.
func TestConvIsNotFloat32(t *testing.T) {
	for _, l := range []Layer{Conv{Out: 8}, Conv{Out: 4, Groups: 4}, Conv{Out: 8, Kernel: 1}} {
		r := func() *rand.Rand { return rand.New(rand.NewPCG(5, 5)) }
		half, plain := newProbeIn(t, BF16, l, data.Shape{5, 6, 4}, 2, r()), newProbe(t, l, data.Shape{5, 6, 4}, 2, r())
		a, b := half.gradient(), plain.gradient()
		var d float64
		for i, v := range a {
			d += math.Pow(float64(v-b[i]), 2)
		}
		if rel := math.Sqrt(d) / norm(b); rel < 0x1p-11 || rel > 0x1p-7 {
			t.Errorf("%v: the gradient in bfloat16 is %g away", l, rel)
		}
	}
}
