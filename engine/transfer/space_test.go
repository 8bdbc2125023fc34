package transfer_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/transfer"
	"budwood/nas"
)

// bind is the space of an architecture block, for data of a shape with three
// classes.
func bind(t interface{ Fatal(...any) }, s nas.Spec, in data.Shape) *nas.Space {
	space, err := s.Space()
	if err == nil {
		space, err = space.For(in, 3)
	}
	if err != nil {
		t.Fatal(err)
	}
	return space
}

// drawSpace draws an architecture block of a family, and the shape of data that it
// fits.
func drawSpace(t *rapid.T) (*nas.Space, data.Shape) {
	spec := nas.Spec{Family: rapid.SampledFrom([]string{"mlp", "resnet", "tabular", "sequence", "cell", "cnn"}).Draw(t, "family")}
	in := data.Shape{rapid.IntRange(1, 40).Draw(t, "features")}
	ops := []string{"dense", "residual"}
	switch spec.Family {
	case "resnet":
		ops = nil
	case "sequence":
		in = data.Shape{rapid.IntRange(1, 12).Draw(t, "steps"), rapid.IntRange(1, 5).Draw(t, "features of a step")}
		ops = []string{"transformer", "decoder", "conv1d"}
	case "cell", "cnn":
		side := rapid.IntRange(8, 20).Draw(t, "side")
		in = data.Shape{side, side, rapid.IntRange(1, 3).Draw(t, "channels")}
		ops = []string{"conv", "depthwise", "squeeze_excite", "attention", "maxpool", "avgpool"}
		if spec.Family == "cnn" {
			ops = append(ops, "residual")
		}
	}
	for _, op := range append(ops, "relu", "gelu", "tanh") {
		if rapid.Bool().Draw(t, op) {
			spec.Ops = append(spec.Ops, op)
		}
	}
	return bind(t, spec, in), in
}

// Whatever a child is like, it takes over what it can; where Inherit says that the
// function is kept, it is.
func TestInheritBetweenNetworksOfASpace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		space, in := drawSpace(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 2))
		p := space.Sample(r)
		c := space.Sample(r)
		if rapid.IntRange(0, 3).Draw(rt, "mutated") > 0 {
			var err error
			if c, err = space.Mutate(r, p); err != nil {
				rt.Fatal(err)
			}
		}
		a, cost, err := space.Build(p)
		if err != nil {
			rt.Fatal(err)
		}
		b, more, err := space.Build(c)
		if err != nil {
			rt.Fatal(err)
		}
		if cost.MACs+more.MACs > 5e5 {
			return // too long for a test
		}
		parent, child, got := inherited(t, seed, a, b, in)
		if d := apart(t, r, parent, child); got.Exact && !(d <= 1e-5) {
			rt.Fatalf("%v → %v: %+v, the outputs differ by %.2g", a, b, got, d)
		}
	})
}

// Of the steps of evolution in the space of image networks, which shrink as often as
// they grow, at least a quarter keeps the function; nearly all tensors are taken over.
func TestMostMutationsInherit(t *testing.T) {
	in := data.Shape{8, 8, 1}
	space := bind(t, nas.Spec{Family: "cnn", Ops: []string{"conv", "residual", "relu"}, Norm: []string{"batch"}, Channels: []int{4, 16}, Dropout: []float64{0}}, in)
	exact, tensors, of := 0, 0, 0
	const n = 60
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := space.Sample(r)
		c, err := space.Mutate(r, p)
		if err != nil {
			t.Fatal(err)
		}
		a, _, err := space.Build(p)
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := space.Build(c)
		if err != nil {
			t.Fatal(err)
		}
		parent, child, got := inherited(t, seed, a, b, in)
		if d := apart(t, r, parent, child); got.Exact && d > 1e-5 {
			t.Errorf("%v → %v: %+v, the outputs differ by %.2g", a, b, got, d)
		}
		again := compiled(t, b, in, seed+1)
		if _, err := transfer.Inherit(again, parent); err != nil || !slices.Equal(again.Params(), child.Params()) {
			t.Errorf("%v → %v: other weights the second time, %v", a, b, err)
		}
		if got.Exact {
			exact++
		}
		tensors, of = tensors+got.Tensors, of+got.Of
	}
	t.Logf("%d of %d mutations exact, %d of %d tensors inherited", exact, n, tensors, of)
	if exact < n/4 || tensors < of*4/5 {
		t.Errorf("%d of %d mutations exact, %d of %d tensors inherited", exact, n, tensors, of)
	}
}
