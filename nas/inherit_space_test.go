package nas

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine"
)

// Whatever a child is like, it takes over what it can; where Inherit says that the
// function is kept, it is.
func TestInheritBetweenNetworksOfASpace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		space := drawFamily(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 2))
		p := space.Sample(r)
		c := space.Sample(r)
		if rapid.IntRange(0, 3).Draw(rt, "mutated") > 0 {
			c, _ = space.mutate(r, p)
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
		parent, child, got := inherited(t, seed, a, b, space.in)
		if d := apart(t, r, parent, child); got.Exact && !(d <= 1e-5) {
			rt.Fatalf("%v → %v: %+v, the outputs differ by %.2g", a, b, got, d)
		}
	})
}

// Of the steps of evolution in the space of image networks, which shrink as often as
// they grow, at least a quarter keeps the function; nearly all tensors are taken over.
func TestMostMutationsInherit(t *testing.T) {
	in := data.Shape{8, 8, 1}
	space := bind(t, Spec{Family: "cnn", Ops: []string{"conv", "residual", "relu"}, Norm: []string{"batch"}, Channels: []int{4, 16}, Dropout: []float64{0}}, in)
	exact, tensors, of := 0, 0, 0
	const n = 60
	for seed := range uint64(n) {
		r := rand.New(rand.NewPCG(seed, 3))
		p := space.Sample(r)
		c, _ := space.mutate(r, p)
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
		if _, err := Inherit(again, parent); err != nil || !slices.Equal(again.Params(), child.Params()) {
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

// What a morphism adds gets gradients from the first step: no unit starts dead.
func TestMorphismsLearn(t *testing.T) {
	in := data.Shape{6, 6, 2}
	for _, pair := range [][2]string{
		{"[dense(4) relu]", "[dense(9) relu]"},
		{"[conv(3) batchnorm relu globalpool]", "[conv(6,5) batchnorm relu globalpool]"},
		{"[conv(3) tanh globalpool]", "[conv(3) tanh (skip + [conv(4) batchnorm relu conv(0) batchnorm]) globalpool]"},
		{"[conv(3) tanh globalpool]", "[conv(3) tanh (skip + [conv(4) gelu conv(0)]) globalpool]"},
		{"[conv(3) relu conv(5) relu globalpool]", "[conv(3) relu (skip + [conv(5) relu]) globalpool]"},
	} {
		var l [2]engine.Seq
		for i := range l {
			var err error
			if l[i], err = genome(t, pair[i]).Network(in, 3); err != nil {
				t.Fatal(err)
			}
		}
		parent, child, got := inherited(t, 5, l[0], l[1], in)
		if !got.Exact {
			t.Errorf("%s → %s: not exact", pair[0], pair[1])
		}
		r := rand.New(rand.NewPCG(7, 7))
		s := &data.Set{Shape: in, X: make([]float32, 32*in.Size()), Class: make([]int32, 32), Classes: 3}
		for i := range s.X {
			s.X[i] = float32(r.NormFloat64())
		}
		for i := range s.Class {
			s.Class[i] = int32(r.IntN(3))
		}
		tr, err := engine.NewTrainer(child, engine.TrainConfig{})
		if err != nil {
			t.Fatal(err)
		}
		before := slices.Clone(child.Params())
		for range 3 {
			if _, err := tr.Epoch(s); err != nil {
				t.Fatal(err)
			}
		}
		at := 0
		for _, x := range child.Tensors() {
			if slices.Equal(before[at:at+len(x.Data)], x.Data) && !strings.HasSuffix(x.Name, "bias") {
				t.Errorf("%s → %s: %s has not moved", pair[0], pair[1], x.Name)
			}
			at += len(x.Data)
		}
		if d := apart(t, r, parent, child); d < 1e-3 {
			t.Errorf("%s → %s: the outputs after three epochs differ by %g from the parent's", pair[0], pair[1], d)
		}
	}
}

func TestInheritRefusesOtherShapes(t *testing.T) {
	a := compiled(t, engine.Dense{Out: 3}, data.Shape{4}, 1)
	for _, b := range []*engine.Net{compiled(t, engine.Dense{Out: 3}, data.Shape{5}, 1), compiled(t, engine.Dense{Out: 2}, data.Shape{4}, 1)} {
		before := slices.Clone(b.Params())
		if _, err := Inherit(b, a); err == nil || !slices.Equal(before, b.Params()) {
			t.Errorf("%v: %v", b.Layer(), err)
		}
	}
}
