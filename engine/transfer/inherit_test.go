package transfer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/transfer"
	"budwood/nas"
)

// stir gives a network weights and statistics as training might leave them.
func stir(r *rand.Rand, n *engine.Net) {
	for _, t := range n.Tensors() {
		for i := range t.Data {
			t.Data[i] += float32(.2 * r.NormFloat64())
		}
	}
	for _, t := range n.Statistics() {
		for i := range t.Data {
			t.Data[i] = float32(r.NormFloat64())
			if strings.HasSuffix(t.Name, "var") {
				t.Data[i] = .5 + t.Data[i]*t.Data[i]
			}
		}
	}
}

// genome reads a genome that is written as text.
func genome(t testing.TB, text string) nas.Genome {
	t.Helper()
	var g nas.Genome
	if err := g.UnmarshalText([]byte(text)); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return g
}

// compiled is the network of a genome; four rows of three classes.
func compiled(t testing.TB, l engine.Layer, in data.Shape, seed uint64) *engine.Net {
	t.Helper()
	n, err := engine.Compile(l, in, engine.Config{Batch: 4, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// apart is the largest difference of the outputs of two networks for random rows,
// relative to the largest output.
func apart(t testing.TB, r *rand.Rand, a, b *engine.Net) float64 {
	t.Helper()
	x := make([]float32, 4*a.In().Size())
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	y, z := make([]float32, 4*a.Out().Size()), make([]float32, 4*b.Out().Size())
	if err := a.Predict(x, y); err != nil {
		t.Fatal(err)
	}
	if err := b.Predict(x, z); err != nil {
		t.Fatal(err)
	}
	most, d := 1e-6, 0.
	for i := range y {
		most, d = max(most, math.Abs(float64(y[i]))), max(d, math.Abs(float64(y[i]-z[i])))
	}
	return d / most
}

// inherited is a stirred parent, its child and what was handed over.
func inherited(t testing.TB, seed uint64, p, c engine.Layer, in data.Shape) (parent, child *engine.Net, got transfer.Inherited) {
	t.Helper()
	parent, child = compiled(t, p, in, seed), compiled(t, c, in, seed+1)
	stir(rand.New(rand.NewPCG(seed, 1)), parent)
	before := slices.Clone(parent.Params())
	got, err := transfer.Inherit(child, parent)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, parent.Params()) {
		t.Fatal("the parent has changed")
	}
	return parent, child, got
}

// sizes are letters that stand alone.
var sizes = regexp.MustCompile(`\b[aAbBkK]\b`)

// Every morphism keeps the function of parents of random sizes. In a pair of
// networks a letter stands for a random size, A for a larger one than a, and kernels k
// and K likewise.
func TestMorphismsKeepTheFunction(t *testing.T) {
	for name, pair := range map[string][2]string{
		"same":                        {"[conv(a,k) batchnorm relu (skip + [conv(0,3) batchnorm]) maxpool]", "[conv(a,k) batchnorm relu (skip + [conv(0,3) batchnorm]) maxpool]"},
		"wider dense":                 {"[dense(a) batchnorm tanh dense(b) relu]", "[dense(A) batchnorm tanh dense(b) relu]"},
		"two wider dense":             {"[dense(a) relu dense(b) gelu]", "[dense(A) relu dense(B) gelu]"},
		"wider conv":                  {"[conv(a,k) batchnorm relu maxpool conv(b,3) silu globalpool]", "[conv(A,k) batchnorm relu maxpool conv(B,3) silu globalpool]"},
		"wider conv, flattened":       {"[conv(a,k) leaky_relu dense(b) sigmoid]", "[conv(A,k) leaky_relu dense(B) sigmoid]"},
		"wider conv before depthwise": {"[conv(a,k) relu depthwise(3) batchnorm relu conv(b,1) globalpool]", "[conv(A,k) relu depthwise(3) batchnorm relu conv(b,1) globalpool]"},
		"wider stream":                {"[conv(a,3) relu (skip + [conv(0,3) batchnorm relu conv(0,3)]) relu globalpool]", "[conv(A,3) relu (skip + [conv(0,3) batchnorm relu conv(0,3)]) relu globalpool]"},
		"wider body":                  {"[conv(a,3) relu (skip + [conv(a,3) relu]) globalpool]", "[conv(a,3) relu (skip + [conv(A,3) relu]) globalpool]"},
		"wider branches":              {"[conv(a,3) (& conv(b,1) conv(b,3) skip) relu globalpool]", "[conv(A,3) (& conv(B,1) conv(b,3) skip) relu globalpool]"},
		"wider cell":                  {"[conv(a,3) <[relu conv(0,3)] skip none [relu conv(0,1)] skip maxpool(1)> globalpool]", "[conv(A,3) <[relu conv(0,3)] skip none [relu conv(0,1)] skip maxpool(1)> globalpool]"},
		"deeper dense":                {"[dense(a) relu]", "[dense(a) relu dense(A) relu]"},
		"deeper conv":                 {"[conv(a,k) batchnorm relu conv(b,3) relu globalpool]", "[conv(a,k) batchnorm relu conv(A,K) batchnorm relu conv(b,3) relu globalpool]"},
		"deeper depthwise":            {"[conv(a,k) relu globalpool]", "[conv(a,k) relu depthwise(3) batchnorm leaky_relu globalpool]"},
		"deeper linear":               {"[dense(a) tanh]", "[dense(a) dense(A) tanh]"},
		"dropout":                     {"[dense(a) tanh]", "[dense(a) tanh dropout(0.3)]"},
		"norm":                        {"[conv(a,k) tanh]", "[conv(a,k) batchnorm tanh]"},
		"larger kernel":               {"[conv(a,k) relu globalpool]", "[conv(a,K) relu globalpool]"},
		"larger kernel, stride":       {"[conv(a,k,2) batchnorm relu globalpool]", "[conv(A,K,2) batchnorm relu globalpool]"},
		"larger depthwise kernel":     {"[conv(a,1) depthwise(k) relu globalpool]", "[conv(A,1) depthwise(K) relu globalpool]"},
		"larger 1-d kernel":           {"[steps conv1d(a,k) relu last]", "[steps conv1d(A,K) relu last]"},
		"skip block":                  {"[conv(a,k) tanh globalpool]", "[conv(a,k) tanh (skip + [conv(b,3) relu conv(0,3) batchnorm conv(a,1) batchnorm]) globalpool]"},
		"skip block, wider":           {"[dense(a) tanh]", "[dense(a) tanh (skip + [dense(A) gelu])]"},
		"skip around":                 {"[conv(a,k) relu conv(B,3) batchnorm relu globalpool]", "[conv(a,k) relu (skip + [conv(B,3) batchnorm relu]) globalpool]"},
		"skip around, deeper":         {"[conv(b,k) batchnorm relu globalpool]", "[(skip + [conv(b,k) batchnorm relu conv(0,3) batchnorm]) relu globalpool]"},
		"one more branch":             {"[conv(a,k) (skip + conv(0,3)) relu]", "[conv(a,k) (skip + conv(0,3) + [conv(0,1) batchnorm]) relu]"},
		"one more edge":               {"[conv(a,k) <conv(0,3) none conv(0,1) skip none relu> relu]", "[conv(a,k) <conv(0,3) [relu conv(0,3) batchnorm] conv(0,1) skip none relu> relu]"},
		"side by side":                {"[flatten dense(a) relu]", "[flatten (& skip dense(b)) dense(a) relu]"},
		"transformer":                 {"[steps linear(8) gru(8) last]", "[steps linear(8) transformer(2) gru(8) last]"},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(4) {
				r := rand.New(rand.NewPCG(seed, 0))
				a, b, k := 1+r.IntN(9), 1+r.IntN(9), 1+r.IntN(3)
				size := map[string]int{"a": a, "A": a + 1 + r.IntN(8), "b": b, "B": max(a, b) + 9 + r.IntN(8), "k": k, "K": k + 1 + r.IntN(3)}
				in := data.Shape{6, 6, 2}
				var l [2]engine.Seq
				for i := range l {
					text := sizes.ReplaceAllStringFunc(pair[i], func(s string) string { return fmt.Sprint(size[s]) })
					var err error
					if l[i], err = genome(t, text).Network(in, 3); err != nil {
						t.Fatal(err)
					}
				}
				parent, child, got := inherited(t, seed, l[0], l[1], in)
				if d := apart(t, r, parent, child); !got.Exact || d > 1e-5 {
					t.Fatalf("%v → %v: %+v, the outputs differ by %.2g", l[0], l[1], got, d)
				}
			}
		})
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
		if _, err := transfer.Inherit(b, a); err == nil || !slices.Equal(before, b.Params()) {
			t.Errorf("%v: %v", b.Layer(), err)
		}
	}
}
