package engine

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
)

// cutNets are networks that can be cut into 2, 3 and 4 parts, one for each way in which
// layers are cut.
var cutNets = []struct {
	name   string
	layer  Layer
	in     data.Shape
	tokens int // of the input; 0: any numbers
	loss   loss.Loss
	cuts   string // the paths, and which of columns, rows and between
}{
	{"mlp", Seq{Dense{Out: 384}, GELU{}, Dropout{P: 0.3}, Dense{Out: 40}, Tanh{}, Dense{Out: 768, NoBias: true}, BatchNorm{}, SiLU{}, Dense{Out: 384, NoBias: true}, Tanh{}, Dense{Out: 7}},
		data.Shape{50}, 0, nil, "0 columns, 1 between, 2 between, 3 rows, 5 columns, 6 between, 7 between, 8 rows"},
	{"kinks", Seq{Seq{Dense{Out: 384}, ReLU{}}, LeakyReLU{}, Dense{Out: 256, PerStep: true}, ReLU{}, Dense{Out: 9}}, data.Shape{50}, 0, nil, "0.0 columns, 0.1 between, 1 between, 2 rows"},
	{"classes", Seq{Residual{Seq{LayerNorm{}, Dense{Out: 256}, GELU{}, Dense{Out: 48}}}, Dense{Out: 700}},
		data.Shape{48}, 0, loss.CrossEntropy{Smoothing: 0.1}, "0.body.1 columns, 0.body.2 between, 0.body.3 rows, 1 columns"},
	{"conv", Seq{Conv{Out: 8}, Conv{Out: 256}, BatchNorm{}, SiLU{}, Conv{Out: 12}, BatchNorm{}, Tanh{}, Conv{Out: 384, Kernel: 1}, Tanh{}, Conv{Out: 384, Groups: 384, Stride: 2}, GELU{}, Dropout{P: 0.2}, Conv{Out: 10, Kernel: 1}},
		data.Shape{5, 6, 3}, 0, nil, "1 columns, 10 between, 11 between, 12 rows, 2 between, 3 between, 4 rows, 7 columns, 8 between, 9 between"},
	{"kinks of images", Seq{Conv{Out: 5}, Conv{Out: 256}, BatchNorm{}, ReLU{}, MaxPool{}, Conv{Out: 12}, ReLU{}, Conv{Out: 256, Kernel: 1}, ReLU{}, Conv{Out: 256, Groups: 256, Kernel: 5}, MaxPool{Size: 3}, Conv{Out: 6}, BatchNorm{}, ReLU{}},
		data.Shape{7, 8, 3}, 0, nil, "1 columns, 10 between, 11 rows, 2 between, 3 between, 4 between, 5 rows, 7 columns, 8 between, 9 between"},
	{"strides", Seq{Conv{Out: 9}, Conv{Out: 256, Stride: 2, Valid: true}, GELU{}, AvgPool{}, Conv{Out: 7, Kernel: 2, Stride: 2}, Conv{Out: 256, Kernel: 5, NoBias: true}, SiLU{}, GlobalAvgPool{}, Dense{Out: 3}},
		data.Shape{12, 10, 2}, 0, nil, "1 columns, 2 between, 3 between, 4 rows, 5 columns, 6 between, 7 between, 8 rows"},
	{"attention", Seq{Attention{Heads: 12, Causal: true}}, data.Shape{5, 384}, 0, nil, "0 columns, 0.out rows, 0.qkv columns"},
	{"gpt", Seq{Embedding{Vocab: 333, Out: 384}, Positional{Learned: true}, Transformer{Heads: 12, Causal: true, Dropout: 0.2}, LayerNorm{}, Dense{Out: 333, PerStep: true}},
		data.Shape{6}, 333, nil, "0 rows, 2.0.body.1 columns, 2.0.body.1.out rows, 2.0.body.1.qkv columns, 2.1.body.1 columns, 2.1.body.2 between, 2.1.body.3 rows, 4 columns"},
}

// cutProbe is a probe of a network that is cut into parts; part says which of them.
func cutProbe(t tester, l Layer, in data.Shape, precision Precision, of loss.Loss, rows, parts, part int, r *rand.Rand) *probe {
	t.Helper()
	c := Config{Batch: rows, Loss: of, Precision: precision}.defaults()
	out, _, err := Measure(l, in)
	if err != nil {
		t.Fatal(err)
	}
	cuts, err := cutsOf(l, in, c.Loss, parts, part)
	if err != nil {
		t.Fatal(err)
	}
	p := newProbeOf(t, &Net{layer: l, in: in, out: out, cfg: c, cuts: cuts}, r)
	for _, q := range p.net.plan.Params { // as they are wide, larger weights would make them steep
		if q.First.Fill(r, q.W); len(q.Shape) == 1 {
			for i := range q.W {
				q.W[i] += 0.2 * float32(r.NormFloat64())
			}
		}
	}
	return p
}

// tokens makes the input of a probe tokens.
func (p *probe) tokens(n int, r *rand.Rand) {
	if n == 0 {
		return
	}
	for i := range p.x {
		p.x[i] = float32(r.IntN(n))
	}
	p.fixed = len(p.x)
}

// Which layers are cut, and how.
func TestCuts(t *testing.T) {
	for _, k := range cutNets {
		cuts, err := cutsOf(k.layer, k.in, Config{Loss: k.loss}.defaults().Loss, 2, plan.InTurn)
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		var list []string
		for _, path := range slices.Sorted(maps.Keys(cuts.Of)) {
			list = append(list, fmt.Sprintf("%s %s", path, []string{"columns", "rows", "between"}[cuts.Of[path].Kind]))
		}
		if got := strings.Join(list, ", "); got != k.cuts {
			t.Errorf("%s: %s", k.name, got)
		}
	}
	cross := loss.CrossEntropy{}
	for _, c := range []struct {
		l     Layer
		in    data.Shape
		parts int
		of    loss.Loss
		want  string
	}{
		{Seq{LayerNorm{}, Seq{ReLU{}}, Transformer{Heads: 4}}, data.Shape{5, 768}, 3, cross, "mesh.tensor: 3 does not divide the 4 heads of layer 2 Transformer(heads 4): use 1, 2 or 4"},
		{Attention{Heads: 6}, data.Shape{5, 768}, 4, cross, "mesh.tensor: 4 does not divide the 6 heads of layer Attention(6): use 1, 2, 3 or 6"},
		{Seq{Dense{Out: 128}, ReLU{}, Dense{Out: 10}}, data.Shape{5}, 3, cross, "mesh.tensor: 3 parts of every layer would have fewer than 64 columns: use at most 2"},
		{Seq{Dense{Out: 100}, ReLU{}, Dense{Out: 10}}, data.Shape{5}, 2, cross, "mesh.tensor: the network has no layers that can be cut"},
		{Seq{Dense{Out: 640}, LayerNorm{}, Dense{Out: 10}}, data.Shape{5}, 2, cross, "mesh.tensor: the network has no layers that can be cut"},
		{Seq{Dense{Out: 640, PerStep: true}, ReLU{}, Dense{Out: 10}}, data.Shape{3, 5}, 2, cross, "mesh.tensor: the network has no layers that can be cut"},
		{Dense{Out: 640}, data.Shape{5}, 2, loss.MSE{}, "mesh.tensor: the network has no layers that can be cut"},
	} {
		if _, err := cutsOf(c.l, c.in, c.of, c.parts, plan.InTurn); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%v in %d parts: %v, want %s", c.l, c.parts, err, c.want)
		}
	}
}

// A network cut into parts, which are computed in turn, has the gradient of the function
// that it computes, and that is the function of the whole network up to rounding.
func TestPartsInTurn(t *testing.T) {
	for _, k := range cutNets {
		for parts := 2; parts <= 4; parts++ {
			if testing.Short() && parts != 3 {
				continue
			}
			r := rand.New(rand.NewPCG(14, uint64(parts)))
			rows := 3
			if k.name == "mlp" { // the statistics of few rows are steep
				rows = 8
			}
			p := cutProbe(t, k.layer, k.in, F32, k.loss, rows, parts, plan.InTurn, r)
			p.tokens(k.tokens, r)
			name := fmt.Sprintf("%s in %d parts", k.name, parts)
			if !strings.HasPrefix(k.name, "kinks") {
				p.check(t, name, 0.006, r)
			}
			got, sum := p.gradient(), p.loss()
			whole := newProbe(t, k.layer, k.in, rows, r)
			copy(whole.net.params, p.net.params)
			whole.x, whole.c = p.x, p.c
			want := whole.gradient()
			bound := 4e-6
			if k.name == "kinks of images" { // a value may fall on the other side
				bound = 1e-4
			}
			if d := distance(got, want); !(d > 0 && d < bound) {
				t.Errorf("%s: gradient differs by %.2g from that of the whole", name, d)
			}
			if a := whole.loss(); math.Abs(a-sum) > 1e-5*(1+math.Abs(a)) {
				t.Errorf("%s: %g, the whole %g", name, sum, a)
			}
		}
	}
}

// distance is |a − b| / |b|.
func distance(a, b []float32) float64 {
	d := append([]float32(nil), a...)
	for i := range d {
		d[i] -= b[i]
	}
	return norm(d) / norm(b)
}

// The columns of a product, and its rows, have the same bits whoever computes them.
func TestPartsOfProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 15))
	for _, half := range []kernel.Format{kernel.Float32, kernel.BFloat16, kernel.Float16} {
		for _, s := range [][3]int{{32, 256, 128}, {128, 128, 256}, {29, 272, 700}, {7, 384, 300}, {33, 320, 257}, {200, 131 + 64, 31}, {64, 1024, 513}} {
			m, n, k := s[0], s[1], s[2]
			a, b := normal(r, m*k), normal(r, k*n)
			g := kernel.Gemm{M: m, N: n, K: k, A: a, RowA: k, ColA: 1, B: b, RowB: n, RowC: n, Half: half}
			whole := product(g)
			turned := make([]float32, len(b))
			kernel.Transpose(turned, k, b, n, k, n)
			back := g
			back.B, back.RowB, back.ColB = turned, 1, k
			backWhole := product(back)
			for from, to := 0, 64; from < n; from, to = to, min(2*to, n) {
				if n-to < 64 {
					to = n
				}
				q := g
				q.N, q.B, q.RowC = to-from, b[from:], to-from
				c := product(q)
				q.B, q.RowB, q.ColB = turned[from*k:], 1, k
				d := product(q)
				for i := range m {
					same(t, fmt.Sprintf("%v, columns %d to %d of %v", half, from, to, s), c[i*(to-from):(i+1)*(to-from)], whole[i*n+from:i*n+to])
					same(t, fmt.Sprintf("%v, columns %d to %d of %v, turned", half, from, to, s), d[i*(to-from):(i+1)*(to-from)], backWhole[i*n+from:i*n+to])
				}
			}
			if m >= 128 {
				q := g
				q.M, q.A = m-64, a[64*k:]
				same(t, fmt.Sprintf("%v, rows of %v", half, s), product(q), whole[64*n:])
			}
		}
	}
}

// product runs a product with the scratch it wants.
func product(g kernel.Gemm) []float32 {
	g.C = make([]float32, g.M*g.RowC)
	g.Pack = make([]float32, g.PackSize())
	g.Run()
	return g.C
}

// The sum of parts of the inner dimension is as near to the product as the whole sum is.
func TestSumOfPartsOfProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	for _, s := range [][3]int{{32, 64, 256}, {9, 100, 1024}, {128, 10, 4096}} {
		for parts := 2; parts <= 8; parts++ {
			m, n, k := s[0], s[1], s[2]
			a, b := normal(r, m*k), normal(r, k*n)
			g := kernel.Gemm{M: m, N: n, K: k, A: a, RowA: k, ColA: 1, B: b, RowB: n, RowC: n}
			whole, places := product(g), floats(make([]float32, m*n), nil)
			for range 3 {
				places = append(places, make([]float32, m*n))
			}
			treeSum(parts, m*n, places, func(i int, to []float32) {
				q := g
				q.K, q.A, q.B = k*(i+1)/parts-k*i/parts, a[k*i/parts:], b[k*i/parts*n:]
				copy(to, product(q))
			})
			if d := distance(places[0], whole); d > 1e-6 {
				t.Errorf("%v in %d parts: differs by %.2g", s, parts, d)
			}
			for i, c := range places[0] {
				var exact, size float64
				for j := range k {
					v := float64(a[i/n*k+j]) * float64(b[j*n+i%n])
					exact, size = exact+v, size+math.Abs(v)
				}
				if e := math.Abs(float64(c) - exact); e > 4*size/(1<<24) {
					t.Fatalf("%v in %d parts: value %d is off by %.2g of the sum of magnitudes", s, parts, i, e/size)
				}
			}
		}
	}
}

// same reports values that are not the same to the bit.
func same(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, v := range got {
		if math.Float32bits(v) != math.Float32bits(want[i]) {
			t.Fatalf("%s: value %d is %g, want %g", what, i, v, want[i])
		}
	}
}

// A trainer cuts its network, with the weights and statistics that it has, and the network
// is what it was up to rounding. It needs the memory that was planned.
func TestTrainerCutsItsNetwork(t *testing.T) {
	k := cutNets[0]
	c := Config{Batch: 16, Seed: 3}
	whole, err := Compile(k.layer, k.in, c)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := Compile(k.layer, k.in, c)
	tr, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Tensor: 3}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "weights", n.Params(), whole.Params())
	r := rand.New(rand.NewPCG(1, 2))
	x, a, b := normal(r, 9*50), make([]float32, 9*7), make([]float32, 9*7)
	if err := n.Predict(x, a); err != nil {
		t.Fatal(err)
	}
	if err := whole.Predict(x, b); err != nil {
		t.Fatal(err)
	}
	if d := distance(a, b); !(d > 0 && d < 1e-6) {
		t.Errorf("outputs differ by %.2g from those of the whole", d)
	}
	planned, err := Footprint(k.layer, k.in, c, TrainConfig{Mesh: Mesh{Tensor: 3}})
	if plain, _ := Footprint(k.layer, k.in, c, TrainConfig{}); err != nil || planned != tr.Memory() || planned.Activations < plain.Activations {
		t.Errorf("planned %v, allocated %v, plain %v: %v", planned, tr.Memory(), plain, err)
	}
	if _, err := NewTrainer(n, TrainConfig{}); err != nil || n.cuts != nil {
		t.Errorf("a trainer without a mesh: %v, %v", n.cuts, err)
	}
	if err := n.Predict(x, a); err != nil {
		t.Fatal(err)
	}
	same(t, "outputs of the whole again", a, b)
	for tensor, want := range map[int]string{-1: "trainer: mesh: tensor -1 is outside [1, 256]", 1000: "trainer: mesh: tensor 1000 is outside [1, 256]", 200: "trainer: mesh.tensor: 200 parts of every layer would have fewer than 64 columns: use at most 12"} {
		if _, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Tensor: tensor}}); err == nil || err.Error() != want {
			t.Errorf("tensor %d: %v", tensor, err)
		}
	}
}
