package compress

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/loss"
	"budwood/nas"
)

// golden is the network of the golden counts.
var golden = engine.Seq{
	engine.Conv{Out: 8, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
	engine.Residual{Body: engine.Seq{
		engine.Conv{Out: 8, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Conv{Out: 8, NoBias: true}, engine.BatchNorm{},
	}},
	engine.ReLU{},
	engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 4, Kernel: 1}}, {engine.Conv{Out: 6, Kernel: 1}}}, Concat: true},
	engine.Conv{Out: 10, Groups: 10}, engine.Conv{Out: 12, Kernel: 1, Groups: 2}, engine.GlobalAvgPool{}, engine.Dense{Out: 10},
}

func TestGoldenGroups(t *testing.T) {
	in := data.Shape{8, 8, 3}
	groups, err := Groups(golden, in)
	if err != nil {
		t.Fatal(err)
	}
	want := []Group{
		{"0 Conv(8, 3×3)", 8}, {"3.body.0 Conv(8, 3×3)", 8}, {"5.0.0 Conv(4, 1×1)", 4}, {"5.1.0 Conv(6, 1×1)", 6}, {"7 Conv(12, 1×1, groups 2)", 12},
	}
	if !slices.Equal(groups, want) {
		t.Fatalf("groups %v, want %v", groups, want)
	}
	n := compiled(t, golden, in, 1)
	count := func(keep map[Group][]int) (params, macs int64) {
		t.Helper()
		small, err := Prune(n, keep)
		if err != nil {
			t.Fatal(err)
		}
		l, err := Shrink(golden, in, keep)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(l, small.Layer()) {
			t.Errorf("Shrink gives %v, Prune %v", l, small.Layer())
		}
		return small.Cost().Params, small.Cost().MACs
	}
	keep := map[Group][]int{}
	if p, m := count(keep); p != 1808 || m != 102392 {
		t.Errorf("whole: %d parameters, %d MACs", p, m)
	}
	keep[want[0]], keep[want[1]] = []int{0, 1, 3, 4, 6, 7}, []int{1, 2, 5, 7}
	if p, m := count(keep); p != 998 || m != 51576 {
		t.Errorf("cut: %d parameters, %d MACs, want 998, 51576", p, m)
	}
	keep[want[4]] = []int{0, 1, 4, 5, 6, 9, 10, 11}
	if p, _ := count(keep); p != 934 {
		t.Errorf("with the grouped convolution: %d parameters, want 934", p)
	}
	for _, c := range []struct {
		keep map[Group][]int
		want []string
	}{
		{map[Group][]int{want[2]: {2, 3}}, []string{"7 Conv(12, 1×1, groups 2)", "between 3 and 5"}},
		{map[Group][]int{want[4]: {0, 1}}, []string{"7 Conv(12, 1×1, groups 2)", "between 0 and 2"}},
		{map[Group][]int{want[0]: {}}, []string{"0 Conv(8, 3×3)", "no channel is kept"}},
		{map[Group][]int{want[0]: {0, 8}}, []string{"0 Conv(8, 3×3)", "channel 8"}},
		{map[Group][]int{want[0]: {0, 0}}, []string{"listed twice"}},
		{map[Group][]int{{"9 Dense(10)", 10}: {0}}, []string{"9 Dense(10)", "network's output"}},
		{map[Group][]int{{"1 BatchNorm", 8}: {0}}, []string{"1 BatchNorm", "no group"}},
	} {
		_, err := Prune(n, c.keep)
		for _, w := range c.want {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%v: %v, want %q in it", c.keep, err, w)
			}
		}
	}
}

func TestProtect(t *testing.T) {
	in := data.Shape{8, 8, 3}
	for pattern, want := range map[string][]string{
		"0":      {"3.body.0 Conv(8, 3×3)", "5.0.0 Conv(4, 1×1)", "5.1.0 Conv(6, 1×1)", "7 Conv(12, 1×1, groups 2)"},
		"3":      {"5.0.0 Conv(4, 1×1)", "5.1.0 Conv(6, 1×1)", "7 Conv(12, 1×1, groups 2)"},
		"*.0":    {"7 Conv(12, 1×1, groups 2)"},
		"6":      {"0 Conv(8, 3×3)", "3.body.0 Conv(8, 3×3)", "7 Conv(12, 1×1, groups 2)"},
		"[0-9]*": nil,
	} {
		groups, err := Groups(golden, in, pattern)
		var got []string
		for _, g := range groups {
			got = append(got, g.Name)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q leaves %q, want %q (%v)", pattern, got, want, err)
		}
	}
	for _, pattern := range []string{"head", "[", "2"} {
		if _, err := Groups(golden, in, pattern); err == nil || !strings.Contains(err.Error(), pattern) {
			t.Errorf("%q: %v", pattern, err)
		}
	}
}

// table is networks that hold every layer.
var table = []struct {
	name  string
	layer engine.Layer
	in    data.Shape
}{
	{"golden", golden, data.Shape{8, 8, 3}},
	{"mlp", engine.Seq{engine.Dense{Out: 9}, engine.BatchNorm{}, engine.ReLU{}, engine.Dropout{P: .3}, engine.Dense{Out: 7, NoBias: true}, engine.GELU{}, engine.Dense{Out: 3}}, data.Shape{5}},
	{"sigmoid", engine.Seq{
		engine.Dense{Out: 9}, engine.Sigmoid{}, engine.Tanh{}, engine.Dense{Out: 7, NoBias: true}, engine.Sigmoid{}, engine.Dense{Out: 6, NoBias: true}, engine.BatchNorm{},
		engine.SiLU{}, engine.LeakyReLU{}, engine.Dense{Out: 3},
	}, data.Shape{5}},
	{"norms", engine.Seq{
		engine.Conv{Out: 9}, engine.LayerNorm{}, engine.GELU{}, engine.Conv{Out: 12}, engine.GroupNorm{Groups: 3}, engine.Tanh{}, engine.Conv{Out: 12}, engine.GroupNorm{},
		engine.ReLU{}, engine.Conv{Out: 10}, engine.GroupNorm{Groups: 1}, engine.Dense{Out: 8}, engine.LayerNorm{}, engine.Dense{Out: 3},
	}, data.Shape{4, 5, 2}},
	{"cnn", engine.Seq{
		engine.Conv{Out: 4, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 6, Kernel: 2, Stride: 2, Valid: true}, engine.LeakyReLU{}, engine.AvgPool{},
		engine.Flatten{}, engine.Dense{Out: 8}, engine.Reshape{To: data.Shape{2, 2, 2}}, engine.Conv{Out: 5}, engine.Upsample{}, engine.GlobalMaxPool{}, engine.Dense{Out: 3},
	}, data.Shape{13, 11, 2}},
	{"depthwise", engine.Seq{
		engine.Conv{Out: 6}, engine.Conv{Out: 6, Groups: 6, Kernel: 5, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.Conv{Out: 12, Groups: 6, Stride: 2}, engine.SiLU{},
		engine.Conv{Out: 9, Kernel: 1, Groups: 3}, engine.ReLU{}, engine.Conv{Out: 6, Groups: 3}, engine.Dense{Out: 3},
	}, data.Shape{7, 6, 2}},
	{"squeeze", engine.Seq{
		engine.Conv{Out: 8}, engine.ReLU{}, engine.SqueezeExcite{Ratio: 2}, engine.Conv{Out: 8, Kernel: 1}, engine.Sigmoid{}, engine.SqueezeExcite{}, engine.Conv{Out: 6, Kernel: 1, Valid: true},
		engine.GlobalAvgPool{}, engine.Dense{Out: 3},
	}, data.Shape{5, 6, 2}},
	{"residuals", engine.Seq{
		engine.Conv{Out: 4}, engine.Residual{Body: engine.Seq{engine.Conv{Out: 4}, engine.ReLU{}}},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 6, Stride: 2}, engine.BatchNorm{}}}, engine.ReLU{},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 7}}}, engine.Residual{Body: engine.Seq{engine.Dense{Out: 9}, engine.ReLU{}}},
		engine.Residual{Body: engine.Seq{engine.Dense{Out: 9}}}, engine.Dense{Out: 3},
	}, data.Shape{8, 8, 2}},
	{"branches", engine.Seq{
		engine.Conv{Out: 4}, engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 5}}, {}, {engine.Conv{Out: 3, Stride: 2}}}, Concat: true},
		engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 5}}, {engine.Conv{Out: 7, Kernel: 1}, engine.Tanh{}}, {}}},
		engine.Par{Branches: []engine.Seq{{}, {}, {engine.ReLU{}}}, Concat: true}, engine.Conv{Out: 15, Kernel: 1},
		engine.Par{Branches: []engine.Seq{{}, {engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 9}}, {engine.Conv{Out: 6}}}, Concat: true}}}}, engine.Dense{Out: 3},
	}, data.Shape{8, 8, 2}},
	{"cell", engine.Seq{
		engine.Conv{Out: 4}, engine.Cell{Nodes: 4, Edges: []engine.Edge{
			{From: 0, To: 1, Body: engine.Seq{engine.Conv{Out: 4}, engine.BatchNorm{}}}, {From: 0, To: 2}, {From: 1, To: 2, Body: engine.Seq{engine.ReLU{}}},
			{From: 0, To: 3, Body: engine.Seq{engine.Conv{Out: 6, Stride: 2}}}, {From: 2, To: 3, Body: engine.Seq{engine.Conv{Out: 6, Kernel: 1}, engine.MaxPool{}}}, {From: 1, To: 3},
		}}, engine.Dense{Out: 3},
	}, data.Shape{8, 6, 2}},
	{"pyramid", engine.Seq{
		engine.FPN{Out: 5, Stages: []engine.Seq{{engine.Conv{Out: 4, Stride: 2}, engine.ReLU{}}, {engine.Conv{Out: 5, Stride: 2}}, {engine.Conv{Out: 6, Stride: 3}}}},
		engine.FPN{Out: 4, Pool: true, Stages: []engine.Seq{{engine.Conv{Out: 4}}, {engine.Conv{Out: 5, Stride: 2}}}}, engine.Dense{Out: 3},
	}, data.Shape{13, 15, 2}},
	{"sequence", engine.Seq{
		engine.Reshape{To: data.Shape{12, 4}}, engine.Conv1D{Out: 6, Dilation: 2, Causal: true}, engine.ReLU{}, engine.Conv1D{Out: 6, Kernel: 4, Stride: 2, Groups: 2},
		engine.Conv1D{Out: 6, Groups: 6}, engine.MaxPool{}, engine.GRU{Out: 5}, engine.GRU{Out: 6}, engine.LastStep{}, engine.Dense{Out: 3},
	}, data.Shape{6, 8}},
	{"encoder", engine.Seq{
		engine.Dense{Out: 8, PerStep: true}, engine.Positional{Learned: true}, engine.Transformer{Heads: 2, Dropout: .1}, engine.Transformer{Heads: 4, PostNorm: true},
		engine.LayerNorm{}, engine.GlobalAvgPool{}, engine.Dense{Out: 3},
	}, data.Shape{7, 5}},
	{"decoder", engine.Seq{
		engine.Embedding{Vocab: 11, Out: 8}, engine.Positional{Learned: true}, engine.Transformer{Heads: 2, Causal: true}, engine.Attention{Heads: 4, NoBias: true},
		engine.Sigmoid{}, engine.Residual{Body: engine.Seq{engine.Attention{Heads: 2, NoBias: true}}}, engine.Dense{Out: 3, PerStep: true},
	}, data.Shape{6}},
	{"one layer", engine.Dense{Out: 3}, data.Shape{5}},
}

func compiled(t testing.TB, l engine.Layer, in data.Shape, seed uint64) *engine.Net {
	t.Helper()
	n, err := engine.Compile(l, in, engine.Config{Batch: 4, Seed: seed, Loss: loss.MSE{}})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

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

// outputs are those of four random rows.
func outputs(t testing.TB, seed uint64, n *engine.Net) []float32 {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 9))
	x := make([]float32, 4*n.In().Size())
	tokens := strings.Contains(n.Layer().String(), "Embedding")
	for i := range x {
		if x[i] = float32(r.NormFloat64()); tokens {
			x[i] = float32(r.IntN(11))
		}
	}
	y := make([]float32, 4*n.Out().Size())
	if err := n.Predict(x, y); err != nil {
		t.Fatal(err)
	}
	return y
}

// apart is the largest difference, relative to the largest value.
func apart(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	most, d := 1e-6, 0.
	for i := range a {
		most, d = max(most, math.Abs(float64(a[i]))), max(d, math.Abs(float64(a[i]-b[i])))
	}
	return d / most
}

// rounding is how far rounding takes the outputs of a network apart: they move so much
// if every weight does by some 1e-7 of itself. Norms of few numbers make it larger
// than 1e-5.
func rounding(t testing.TB, seed uint64, n *engine.Net) float64 {
	t.Helper()
	m := compiled(t, n.Layer(), n.In(), 0)
	r := rand.New(rand.NewPCG(seed, 11))
	to, from := tensorsOf(m), tensorsOf(n)
	for _, x := range slices.Concat(n.Tensors(), n.Statistics()) {
		for i, v := range from[x.Name] {
			to[x.Name][i] = v * float32(1+1e-7*r.NormFloat64())
		}
	}
	return max(1e-5, 4*apart(outputs(t, seed, n), outputs(t, seed, m)))
}

// masked is the network with all that makes the cut channels set to 0: weights,
// biases, γ and β.
func masked(t testing.TB, n *engine.Net, keep map[Group][]int) *engine.Net {
	t.Helper()
	m := compiled(t, n.Layer(), n.In(), 0)
	tensors := tensorsOf(m)
	for name, x := range tensorsOf(n) {
		copy(tensors[name], x)
	}
	tr, err := trace(n.Layer(), n.In(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range tr.members {
		if member.kind == reader {
			continue
		}
		for i := range tensors[member.tensor] {
			at := tr.at[tr.root(member.el[i%len(member.el)])]
			if kept, ok := keep[tr.groups[at.group]]; ok && !slices.Contains(kept, at.number) {
				tensors[member.tensor][i] = 0
			}
		}
	}
	return m
}

// anyCut chooses what to keep of each group, such that the network allows it.
func anyCut(r *rand.Rand, l engine.Layer, in data.Shape) (map[Group][]int, error) {
	tr, err := trace(l, in, nil)
	if err != nil {
		return nil, err
	}
	sizes, scores := map[Group]int{}, map[Group][]float64{}
	for _, g := range tr.open() {
		if r.IntN(4) == 0 {
			continue
		}
		sizes[g] = 1 + r.IntN(g.Size)
		for range g.Size {
			scores[g] = append(scores[g], r.Float64())
		}
	}
	return tr.choose(scores, sizes), nil
}

// The smaller network computes what the masked one does, for every layer.
func TestShrunkIsMasked(t *testing.T) {
	for _, c := range table {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 5))
			n := compiled(t, c.layer, c.in, seed)
			stir(r, n)
			keep, err := anyCut(r, c.layer, c.in)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			before := slices.Clone(n.Params())
			small, err := Prune(n, keep)
			if err != nil {
				t.Fatalf("%s, %v: %v", c.name, keep, err)
			}
			if !slices.Equal(n.Params(), before) {
				t.Fatalf("%s: the argument has changed", c.name)
			}
			if l, err := Shrink(c.layer, c.in, keep); err != nil || !reflect.DeepEqual(l, small.Layer()) {
				t.Fatalf("%s: Shrink gives %v, Prune %v (%v)", c.name, l, small.Layer(), err)
			}
			if d := apart(outputs(t, seed, masked(t, n, keep)), outputs(t, seed, small)); !(d <= 1e-5) {
				t.Fatalf("%s, seed %d, %v → %v: apart by %.2g", c.name, seed, keep, small.Layer(), d)
			}
		}
	}
}

// The means of a data set go where the constants go, in every layer.
func TestPruneMeanOfEveryLayer(t *testing.T) {
	for _, c := range table {
		n := compiled(t, c.layer, c.in, 1)
		r := rand.New(rand.NewPCG(7, 5))
		stir(r, n)
		keep, err := Choose(c.layer, c.in, nil, Budget{Channels: .5})
		if err != nil {
			t.Fatal(err)
		}
		s := &data.Set{Shape: c.in, Outputs: n.Out().Size()}
		for range 8 * c.in.Size() {
			x := float32(r.NormFloat64())
			if c.name == "decoder" {
				x = float32(r.IntN(11))
			}
			s.X = append(s.X, x)
		}
		s.Target = make([]float32, 8*s.Outputs)
		small, err := PruneMean(n, keep, s, 2)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if l, err := ShrinkMean(c.layer, c.in, keep); err != nil || !reflect.DeepEqual(l, small.Layer()) {
			t.Fatalf("%s: ShrinkMean gives %v, PruneMean %v (%v)", c.name, l, small.Layer(), err)
		}
		for _, y := range outputs(t, 1, small) {
			if y-y != 0 {
				t.Fatalf("%s: an output is %v", c.name, y)
			}
		}
		if masked, err := Prune(n, keep); err != nil || len(keep) > 0 && slices.Equal(outputs(t, 1, small), outputs(t, 1, masked)) {
			t.Errorf("%s: means change nothing, %v", c.name, err)
		}
	}
	if _, err := PruneMean(compiled(t, golden, data.Shape{8, 8, 3}, 1), nil, toy(4), 2); err == nil {
		t.Error("rows of four numbers as images")
	}
}

// Nothing cut, nothing changed.
func TestKeepAll(t *testing.T) {
	for _, c := range table {
		r := rand.New(rand.NewPCG(1, 5))
		n := compiled(t, c.layer, c.in, 1)
		stir(r, n)
		keep := map[Group][]int{}
		groups, err := Groups(c.layer, c.in)
		if err != nil {
			t.Fatal(err)
		}
		if len(groups) == 0 && c.name != "one layer" {
			t.Errorf("%s: no groups", c.name)
		}
		for _, g := range groups {
			for i := range g.Size {
				keep[g] = append(keep[g], i)
			}
		}
		same, err := Prune(n, keep)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if !reflect.DeepEqual(same.Layer(), c.layer) {
			t.Errorf("%s: %v became %v", c.name, c.layer, same.Layer())
		}
		if !slices.Equal(outputs(t, 3, n), outputs(t, 3, same)) || !slices.Equal(n.Params(), same.Params()) {
			t.Errorf("%s: other numbers", c.name)
		}
	}
}

// Halving halves every group of the table, so that no layer is left out; those of the
// grouped convolutions as nearly as they can.
func TestEveryGroupShrinks(t *testing.T) {
	for _, c := range table {
		groups, err := Groups(c.layer, c.in)
		if err != nil {
			t.Fatal(err)
		}
		keep, err := Choose(c.layer, c.in, nil, Budget{Channels: .5})
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			if n := len(keep[g]); n < g.Size/2-1 || n > g.Size/2+2 {
				t.Errorf("%s: %d are left of %v", c.name, n, g)
			}
		}
		l, err := Shrink(c.layer, c.in, keep)
		if err != nil {
			t.Fatalf("%s, %v: %v", c.name, keep, err)
		}
		_, was, _ := engine.Measure(c.layer, c.in)
		if _, now, err := engine.Measure(l, c.in); err != nil || len(groups) > 0 && now.Params >= was.Params {
			t.Errorf("%s, %v: %d parameters of %d, %v", c.name, keep, now.Params, was.Params, err)
		}
	}
}

// With sinusoids of positions the numbers that are left stay the same.
func TestSinusoidsStay(t *testing.T) {
	l := engine.Seq{engine.Embedding{Vocab: 11, Out: 8}, engine.Positional{}, engine.Dense{Out: 3, PerStep: true}}
	n := compiled(t, l, data.Shape{6}, 1)
	groups, err := Groups(l, n.In())
	if err != nil || len(groups) != 1 {
		t.Fatal(groups, err)
	}
	small, err := Prune(n, map[Group][]int{groups[0]: {1, 2, 7}})
	if err != nil {
		t.Fatal(err)
	}
	table, got := engine.Sinusoids(6, 8), tensorsOf(small)["1.weight"]
	for i, v := range got {
		if want := table[i/3*8+[]int{1, 2, 7}[i%3]]; v != want {
			t.Errorf("position %d: %g, want %g", i, v, want)
		}
	}
	if len(got) != 18 {
		t.Errorf("%d numbers", len(got))
	}
}

// learned writes positions as learned numbers, which a mask can set to 0.
func learned(l engine.Layer) engine.Layer {
	each := func(s engine.Seq) engine.Seq {
		out := make(engine.Seq, len(s))
		for i, l := range s {
			out[i] = learned(l)
		}
		return out
	}
	switch l := l.(type) {
	case engine.Positional:
		return engine.Positional{Learned: true}
	case engine.Seq:
		return each(l)
	case engine.Residual:
		return engine.Residual{Body: each(l.Body)}
	case engine.Par:
		p := engine.Par{Concat: l.Concat}
		for _, s := range l.Branches {
			p.Branches = append(p.Branches, each(s))
		}
		return p
	case engine.Cell:
		c := engine.Cell{Nodes: l.Nodes}
		for _, e := range l.Edges {
			c.Edges = append(c.Edges, engine.Edge{From: e.From, To: e.To, Body: each(e.Body)})
		}
		return c
	}
	return l
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
	space, err := spec.Space()
	if err == nil {
		space, err = space.For(in, 3)
	}
	if err != nil {
		t.Fatal(err)
	}
	return space, in
}

// Random networks of an architecture search, cut at random, compile and are what the
// mask is.
func TestRandomNetworksShrink(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		space, in := drawSpace(rt)
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 2))
		drawn, cost, err := space.Build(space.Sample(r))
		if err != nil {
			rt.Fatal(err)
		}
		if cost.MACs > 5e5 {
			return // too long for a test
		}
		l := learned(drawn)
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
		whole := masked(t, n, keep)
		if d := apart(outputs(t, seed, whole), outputs(t, seed, small)); !(d <= rounding(t, seed, whole)) {
			rt.Fatalf("%v, %v → %v: apart by %.2g", l, keep, small.Layer(), d)
		}
		if _, err := Groups(small.Layer(), in); err != nil {
			rt.Fatalf("%v cannot be cut again: %v", small.Layer(), err)
		}
	})
}

// Whatever is asked for, there is an error or a network that compiles.
func TestAnyKeepIsAnErrorOrANetwork(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := rapid.SampledFrom(table).Draw(rt, "network")
		groups, err := Groups(c.layer, c.in)
		if err != nil {
			rt.Fatal(err)
		}
		keep := map[Group][]int{}
		for _, g := range groups {
			keep[g] = rapid.SliceOfNDistinct(rapid.IntRange(0, g.Size-1), 1, g.Size, rapid.ID[int]).Draw(rt, fmt.Sprint(g))
		}
		l, err := Shrink(c.layer, c.in, keep)
		if err != nil {
			if !strings.Contains(err.Error(), "groups would have") && !strings.Contains(err.Error(), "would be left") {
				rt.Fatal(err)
			}
			return
		}
		if _, _, err := engine.Measure(l, c.in); err != nil {
			rt.Fatal(err)
		}
	})
}
