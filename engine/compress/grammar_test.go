package compress

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine"
)

// drawn is a generator of sequences of layers that fit each other.
type drawn struct {
	t       *rapid.T
	sigmoid bool // there is one: no padding may follow, at which what is left of a channel is not exact
}

func (d *drawn) upTo(n int) int { return rapid.IntRange(1, n).Draw(d.t, "n") }

// seq draws a few layers, for a shape, with branches within branches up to a depth.
func (d *drawn) seq(in data.Shape, most, depth int) (s engine.Seq, out data.Shape) {
	for range rapid.IntRange(1, most).Draw(d.t, "layers") {
		l := d.layer(in, depth)
		if l == nil {
			continue
		}
		if y, err := l.Infer(in); err == nil {
			s, in = append(s, l), y
		}
	}
	return s, in
}

// layer draws a layer; nil if there is none for the shape.
func (d *drawn) layer(in data.Shape, depth int) engine.Layer {
	c := channels(in)
	groups := rapid.SampledFrom([]int{1, 1, 2, 3, c}).Draw(d.t, "groups")
	act := rapid.SampledFrom([]engine.Layer{engine.ReLU{}, engine.GELU{}, engine.Tanh{}, engine.SiLU{}, engine.LeakyReLU{}}).Draw(d.t, "activation")
	flip := rapid.Bool().Draw(d.t, "flip")
	if depth > 0 && rapid.IntRange(0, 2).Draw(d.t, "branch") == 0 {
		return d.branches(in, depth-1, flip)
	}
	norm := rapid.SampledFrom([]engine.Layer{engine.BatchNorm{}, engine.BatchNorm{}, engine.LayerNorm{}, engine.GroupNorm{Groups: 1}}).Draw(d.t, "norm")
	if c < 4 {
		norm = engine.BatchNorm{} // that of a few numbers is badly conditioned
	}
	any := []engine.Layer{act, norm, act, engine.Dropout{P: .2}}
	switch len(in) {
	case 1:
		any = append(any, engine.Dense{Out: d.upTo(12), NoBias: flip}, engine.Dense{Out: d.upTo(12)})
		if rapid.IntRange(0, 3).Draw(d.t, "sigmoid") == 0 {
			d.sigmoid = true
			return engine.Sigmoid{}
		}
		if c%2 == 0 && !d.sigmoid {
			any = append(any, engine.Reshape{To: data.Shape{2, c / 2}})
		}
	case 2:
		any = append(any, engine.Conv1D{Out: groups * d.upTo(6), Groups: groups, NoBias: flip, Causal: flip}, engine.Dense{Out: d.upTo(9), PerStep: true}, engine.GRU{Out: d.upTo(7)},
			engine.Positional{Learned: true}, engine.Attention{Heads: d.upTo(3), HeadSize: d.upTo(4), NoBias: flip}, engine.Transformer{Heads: d.upTo(2), Hidden: d.upTo(9), PostNorm: flip},
			engine.MaxPool{}, engine.SqueezeExcite{Ratio: d.upTo(3)}, engine.LastStep{}, engine.GlobalAvgPool{}, engine.Flatten{}, engine.Dense{Out: d.upTo(6)})
	case 3:
		any = append(any, engine.Conv{Out: groups * d.upTo(6), Groups: groups, NoBias: flip, Kernel: d.upTo(3), Stride: d.upTo(2)}, engine.Conv{Out: d.upTo(9)}, engine.MaxPool{},
			engine.AvgPool{}, engine.Upsample{}, engine.SqueezeExcite{Ratio: d.upTo(3)}, engine.GlobalMaxPool{}, engine.Flatten{}, engine.Dense{Out: d.upTo(6)},
			engine.Reshape{To: data.Shape{in[0] * in[1], c}}, engine.Reshape{To: data.Shape{in[0], in[1] * c}}, engine.Dense{Out: d.upTo(6), PerStep: true})
	}
	return rapid.SampledFrom(any).Draw(d.t, "layer")
}

// branches draws a layer of branches.
func (d *drawn) branches(in data.Shape, depth int, flip bool) engine.Layer {
	body := func() engine.Seq {
		if flip && rapid.Bool().Draw(d.t, "empty") {
			return nil
		}
		s, _ := d.seq(in, 3, depth)
		return s
	}
	switch rapid.IntRange(0, 3).Draw(d.t, "kind") {
	case 0:
		return engine.Residual{Body: body()}
	case 1:
		return engine.Par{Branches: []engine.Seq{body(), body(), body()}[:d.upTo(3)], Concat: flip}
	case 2:
		first, mid := d.seq(in, 2, depth)
		second, _ := d.seq(mid, 2, depth)
		third, _ := d.seq(in, 2, depth)
		return engine.Cell{Nodes: 3, Edges: []engine.Edge{{From: 0, To: 1, Body: first}, {From: 1, To: 2, Body: second}, {From: 0, To: 2, Body: third}}}
	}
	if len(in) != 3 {
		return nil
	}
	stage, mid := d.seq(in, 2, depth)
	if len(mid) != 3 {
		return nil
	}
	next, _ := d.seq(mid, 2, depth)
	return engine.FPN{Stages: []engine.Seq{stage, next}, Out: d.upTo(5), Pool: flip}
}

// Networks of any layers within each other, cut at random, are what the mask is; ranks
// and folded norms keep what they compute.
func TestAnyNetworkShrinks(t *testing.T) {
	cut, all := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		in := rapid.SampledFrom([]data.Shape{{6}, {4, 3}, {5, 4, 2}, {4, 4, 3}}).Draw(rt, "input")
		l := engine.Seq{engine.Dense{Out: rapid.IntRange(3, 12).Draw(rt, "first"), PerStep: true}}
		more, out := (&drawn{t: rt}).seq(append(in[:len(in)-1:len(in)-1], l[0].(engine.Dense).Out), 7, 2)
		if out.Size() > 500 {
			return
		}
		l = append(append(l, more...), engine.Dense{Out: 3})
		_, cost, err := engine.Measure(l, in)
		if err != nil {
			rt.Fatal(err)
		}
		if cost.MACs > 1e6 || cost.Params > 1e5 {
			return // too long for a test
		}
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 2))
		n := compiled(t, l, in, seed)
		stir(r, n)
		keep, err := anyCut(r, l, in)
		if err != nil {
			rt.Fatal(err)
		}
		small, err := Prune(n, keep)
		if err != nil {
			rt.Fatalf("%v, %v: %v", l, keep, err)
		}
		if all++; small.Cost().Params < n.Cost().Params {
			cut++
		}
		whole := masked(t, n, keep)
		if d := apart(outputs(t, seed, whole), outputs(t, seed, small)); !(d <= rounding(t, seed, whole)) {
			rt.Fatalf("%v, %v → %v: apart by %.2g", l, keep, small.Layer(), d)
		}
		if _, err := Groups(small.Layer(), in); err != nil {
			rt.Fatalf("%v cannot be cut again: %v", small.Layer(), err)
		}
		for what, f := range map[string]func() (*engine.Net, error){
			"folded": func() (*engine.Net, error) { return Fold(n) },
			"full rank": func() (*engine.Net, error) {
				ranks := map[string]int{}
				for path, m := range matrices(n) {
					ranks[path] = min(m.rows, m.cols)
				}
				return LowRank(n, ranks)
			},
		} {
			same, err := f()
			if err != nil {
				rt.Fatalf("%v, %s: %v", l, what, err)
			}
			if d := apart(outputs(t, seed, n), outputs(t, seed, same)); !(d <= 2*rounding(t, seed, n)) {
				rt.Fatalf("%v, %s: apart by %.2g", l, what, d)
			}
		}
	})
	if t.Logf("%d of %d networks became smaller", cut, all); cut < all/5 {
		t.Errorf("only %d of %d networks became smaller", cut, all)
	}
}
