package engine

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// The bound of the gradient checks: the difference between the gradient along a
// direction and Richardson-extrapolated central differences of a float32
// forward pass, relative to the length of the gradient.
const gradientBound = 2e-4

// tester is what testing.T and rapid.T have in common here.
type tester interface {
	Helper()
	Fatal(...any)
	Errorf(string, ...any)
}

// probe is a layer compiled with a gradient for its input, and the loss Σ c·y
// for random coefficients c.
type probe struct {
	net  *Net
	x    []float32
	c    []float32
	pass plan.Pass

	fixed int // inputs that do not move: tokens
}

func newProbe(t tester, l Layer, in data.Shape, rows int, r *rand.Rand) *probe {
	t.Helper()
	return newProbeIn(t, F32, l, in, rows, r)
}

func newProbeIn(t tester, in16 Precision, l Layer, in data.Shape, rows int, r *rand.Rand) *probe {
	t.Helper()
	out, _, err := Measure(l, in)
	if err != nil {
		t.Fatal(err)
	}
	return newProbeOf(t, &Net{layer: l, in: in, out: out, cfg: Config{Batch: rows, Precision: in16}}, r)
}

// newProbeOf compiles a network for a probe.
func newProbeOf(t tester, n *Net, r *rand.Rand) *probe {
	t.Helper()
	rows, in := n.cfg.Batch, n.in
	var x plan.Tensor
	n.plan, _, n.y = plan.New(in, rows, n.cfg.Precision.format(), func(b *plan.Builder, input plan.Tensor) plan.Tensor {
		x = b.WithGradient(input)
		return building(n.layer.build, n.cuts)(b, x)
	})
	n.x = x
	p := &probe{net: n, pass: plan.Pass{Rows: rows, Train: true, Key: 5}}
	if err := p.net.allocate(); err != nil {
		t.Fatal(err)
	}
	for _, q := range p.net.plan.Params {
		q.First.Fill(r, q.W)
		for i := range q.W {
			q.W[i] += 0.2 * float32(r.NormFloat64())
		}
	}
	p.x = normal(r, rows*in.Size())
	p.c = normal(r, rows*n.out.Size())
	return p
}

func normal(r *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

func (p *probe) loss() float64 {
	copy(p.net.x.Data.Floats, p.x)
	p.net.forward(p.pass)
	var sum float64
	for i, c := range p.c {
		sum += float64(c) * float64(p.net.y.Data.Floats[i])
	}
	return sum
}

// gradient is that of the loss for x, then for the parameters.
func (p *probe) gradient() []float32 {
	p.loss()
	copy(p.net.y.Grad.Floats, p.c)
	for i := len(p.net.plan.Ops) - 1; i >= 0; i-- {
		p.net.plan.Ops[i].Backward(p.pass)
	}
	return append(append([]float32(nil), p.net.x.Grad.Floats[:len(p.x)]...), p.net.grads...)
}

// check compares the gradient with differences along its own direction and
// along random ones, at most h away from x in each number and 4·h in all.
func (p *probe) check(t tester, name string, h float64, r *rand.Rand) {
	t.Helper()
	p.loss()
	rounding := 1e-12 + 1.2e-6*norm(p.c)*norm(p.net.y.Data.Floats[:len(p.c)]) // of the loss
	g := p.gradient()
	length := norm(g)
	for trial := range 4 {
		u := append([]float32(nil), g...)
		if trial > 0 {
			u = normal(r, len(g))
		}
		clear(u[:p.fixed])
		var most, dot float64
		for _, v := range u {
			most = max(most, math.Abs(float64(v)))
		}
		if most == 0 {
			continue // the function is constant
		}
		most = max(most, norm(u)/4) // many small steps in one direction are a large one
		for i := range u {
			u[i] /= float32(most)
			dot += float64(u[i]) * float64(g[i])
		}
		var got, excess float64
		for _, h := range []float64{h, h / 4} { // a large step misses curvature, a small one feels rounding
			got = (4*p.difference(u, h/2) - p.difference(u, h)) / 3
			if excess = math.Abs(got-dot) / (gradientBound*length*norm(u) + rounding/h); excess <= 1 {
				break
			}
		}
		if !(excess <= 1) {
			t.Errorf("%s, direction %d: gradient %g, differences %g, %.2g times the bound", name, trial, dot, got, excess)
		}
	}
}

func norm(x []float32) float64 {
	var s float64
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s)
}

// difference is (loss(+h·u) − loss(−h·u)) / 2h.
func (p *probe) difference(u []float32, h float64) float64 {
	x, w := append([]float32(nil), p.x...), append([]float32(nil), p.net.params...)
	at := func(h float64) float64 {
		for i := range p.x {
			p.x[i] = float32(float64(x[i]) + h*float64(u[i]))
		}
		for i := range w {
			p.net.params[i] = float32(float64(w[i]) + h*float64(u[len(x)+i]))
		}
		return p.loss()
	}
	d := (at(h) - at(-h)) / (2 * h)
	copy(p.x, x)
	copy(p.net.params, w)
	return d
}

// Every layer's gradient is that of the function it computes.
func TestGradients(t *testing.T) {
	for _, k := range smooth {
		t.Run(k.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				l, in := k.draw(t)
				rows := k.rows + rapid.IntRange(1, 5).Draw(t, "rows")
				r := rand.New(rand.NewPCG(7, rapid.Uint64().Draw(t, "seed")))
				p := newProbe(t, l, in, rows, r)
				if k.tokens > 0 {
					for i := range p.x {
						p.x[i] = float32(r.IntN(k.tokens))
					}
					p.fixed = len(p.x)
				}
				if k.prepare != nil {
					k.prepare(p)
				}
				p.check(t, fmt.Sprintf("%v of %d rows of %v", l, rows, in), 0.006, r)
			})
		})
	}
}

// Layers with kinks, on inputs that keep away from them.
func TestGradientsOfKinked(t *testing.T) {
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(8, seed))
		in := data.Shape{3 + r.IntN(7), 3 + r.IntN(7), 1 + r.IntN(5)}
		for _, l := range []Layer{
			ReLU{}, LeakyReLU{}, LeakyReLU{Slope: 0.3}, MaxPool{}, MaxPool{Size: 3}, GlobalMaxPool{},
			Clip{}, Clip{Low: -.72, High: .78}, Clip{Low: -.4, High: math.Inf(1)}, HardSigmoid{}, HardSigmoid{Alpha: .2, Beta: .5}, HardSwish{},
			MaxPool{Size: 3, Stride: 2, Pad: Pad{1, 1, 1, 1}}, MaxPool{Size: 2, Stride: 1, Columns: Along{Size: 3, Stride: 2}, Pad: Pad{0, 2, 1, 1}}, MaxPool{Size: 1, Columns: Along{Size: 2}},
			Seq{Tanh{}, SqueezeExcite{Gate: HardSigmoid{Alpha: .01, Beta: .5}}}, Seq{Reshape{To: data.Shape{in[0] * in[1], in[2]}}, MaxPool{Size: 3, Stride: 2, Pad: Pad{Top: 1, Bottom: 2}}},
			Seq{ReLU{}, Dropout{P: 0.5}}, Residual{Seq{ReLU{}}}, Par{Branches: []Seq{{MaxPool{}}, {GlobalMaxPool{}, Dense{Out: 3}}}},
			Seq{Reshape{To: data.Shape{in[0], in[1] * in[2]}}, MaxPool{}}, Seq{Reshape{To: data.Shape{in[0] * in[1], in[2]}}, MaxPool{Size: 3}, GlobalMaxPool{}},
		} {
			p := newProbe(t, l, in, 2, r)
			for i, j := range r.Perm(len(p.x)) { // distinct values, none of them 0
				p.x[i] = (float32(j) - float32(len(p.x))/2 + 0.25) * 0.05
			}
			p.check(t, fmt.Sprintf("seed %d: %v of %v", seed, l, in), 0.01, r)
		}
	}
}

// A ReLU taken along by the layer before it gives what a separate one gives.
func TestFusedReLU(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 9))
	for _, l := range []Layer{
		Dense{Out: 9}, Conv{Out: 5}, Conv{Out: 6, Groups: 3, Stride: 2}, Conv{Out: 3, Groups: 3}, Conv{Out: 8, Kernel: 1, NoBias: true}, BatchNorm{},
		Dense{Out: 9, PerStep: true}, Conv1D{Out: 5, Dilation: 2}, Conv1D{Out: 6, Groups: 3, Stride: 2, Causal: true}, Conv1D{Out: 3, Groups: 3},
	} {
		in := data.Shape{6, 5, 3}
		if _, ok := l.(Conv1D); ok {
			in = data.Shape{9, 3}
		}
		fused := newProbe(t, Seq{l, ReLU{}}, in, 4, r)
		apart := newProbe(t, Seq{l, Seq{ReLU{}}}, in, 4, r) // a Seq hides it
		copy(apart.net.params, fused.net.params)
		apart.x, apart.c = fused.x, fused.c
		if len(fused.net.plan.Ops) != 1 || len(apart.net.plan.Ops) != 2 {
			t.Fatalf("%v: %d and %d ops", l, len(fused.net.plan.Ops), len(apart.net.plan.Ops))
		}
		if a, b := fused.loss(), apart.loss(); math.Abs(a-b) > 1e-5*math.Abs(b) {
			t.Errorf("%v: loss %g fused, %g apart", l, a, b)
		}
		a, b := fused.gradient(), apart.gradient()
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 1e-5*(1+math.Abs(float64(b[i]))) {
				t.Errorf("%v: gradient %d is %g fused, %g apart", l, i, a[i], b[i])
				break
			}
		}
	}
}
