package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// close64 reports whether a float32 result is that of float64.
func close64(got float32, want float64) bool {
	return math.Abs(float64(got)-want) <= 1e-5*(1+math.Abs(want))
}

func TestUpsample(t *testing.T) {
	p, y := run(t, Upsample{}, data.Shape{1, 2, 1}, 1, rand.New(rand.NewPCG(1, 1)))
	a, b := p.x[0], p.x[1]
	if !slices.Equal(y, []float32{a, a, b, b, a, a, b, b}) {
		t.Errorf("%v enlarged is %v", p.x, y)
	}
	// an odd size, as in a pyramid: pixel i is i·2/3
	b3 := &plan.Builder{Batch: 1}
	b3.Layer(Upsample{}, data.Shape{3, 3, 1}, 0)
	o := addEnlarge(b3, plan.Tensor{Shape: data.Shape{2, 2, 1}, Data: b3.Block(4)}, data.Shape{3, 3, 1})
	e := b3.Ops[0].(*enlarge)
	var from []int
	for i := range 3 {
		for j := range 3 {
			from = append(from, e.from(i, j))
		}
	}
	if !o.Shape.Equal(data.Shape{3, 3, 1}) || !slices.Equal(from, []int{0, 0, 1, 0, 0, 1, 2, 2, 3}) {
		t.Errorf("2×2 enlarged to %v reads %v", o.Shape, from)
	}
}

// The pyramid of two stages is lateral 1×1, nearest-neighbour top-down and 3×3,
// put together from single layers.
func TestPyramid(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	in := data.Shape{4, 4, 2}
	p, y := run(t, FPN{Stages: []Seq{{Tanh{}}, {AvgPool{}}}, Out: 3}, in, 1, r)
	weights := map[string][]float32{}
	for _, q := range p.net.plan.Params {
		weights[q.Name] = q.W
	}
	apply := func(l Layer, in data.Shape, x []float32, w ...string) []float32 {
		q := newProbe(t, l, in, 1, r)
		copy(q.x, x)
		for i, name := range w {
			copy(q.net.plan.Params[i].W, weights[name])
		}
		q.loss()
		return slices.Clone(q.net.y.Data.Floats[:q.net.out.Size()])
	}
	one := Conv{Out: 3, Kernel: 1}
	first := apply(Tanh{}, in, p.x)
	second := apply(AvgPool{}, in, first)
	top := apply(one, data.Shape{2, 2, 2}, second, "1.lateral.weight", "1.lateral.bias")
	sum := apply(one, in, first, "0.lateral.weight", "0.lateral.bias")
	for i, v := range apply(Upsample{}, data.Shape{2, 2, 3}, top) {
		sum[i] += v
	}
	for i, want := range apply(Conv{Out: 3}, data.Shape{4, 4, 3}, sum, "0.output.weight", "0.output.bias") {
		if !close64(y[i], float64(want)) {
			t.Fatalf("value %d is %g, want %g", i, y[i], want)
		}
	}
}

func TestConcatOrder(t *testing.T) {
	p, y := run(t, Par{Branches: []Seq{{}, {Tanh{}}}, Concat: true}, data.Shape{2, 2}, 1, rand.New(rand.NewPCG(3, 3)))
	x := p.x
	for i, want := range []float64{
		float64(x[0]), float64(x[1]), math.Tanh(float64(x[0])), math.Tanh(float64(x[1])),
		float64(x[2]), float64(x[3]), math.Tanh(float64(x[2])), math.Tanh(float64(x[3])),
	} {
		if !close64(y[i], want) {
			t.Errorf("value %d is %g, want %g", i, y[i], want)
		}
	}
}

// Each channel is multiplied by its weight, computed in float64.
func TestSqueezeExcite(t *testing.T) {
	const c, hidden, pixels = 4, 2, 6
	p, y := run(t, SqueezeExcite{Ratio: 2}, data.Shape{2, 3, c}, 1, rand.New(rand.NewPCG(4, 4)))
	w1, b1, w2, b2 := tensor64(p, "1.weight"), tensor64(p, "1.bias"), tensor64(p, "3.weight"), tensor64(p, "3.bias")
	var mean, inner [c]float64
	for i, v := range p.x {
		mean[i%c] += float64(v) / pixels
	}
	for j := range hidden {
		inner[j] = b1(0, j)
		for i := range c {
			inner[j] += mean[i] * w1(i, j)
		}
		inner[j] = max(inner[j], 0)
	}
	for i, v := range p.x {
		s := b2(0, i%c)
		for j := range hidden {
			s += inner[j] * w2(j, i%c)
		}
		if want := float64(v) / (1 + math.Exp(-s)); !close64(y[i], want) {
			t.Errorf("value %d is %g, want %g", i, y[i], want)
		}
	}
}

// Groups of channels of each sample have mean 0 and variance 1 before γ and β.
func TestGroupNorm(t *testing.T) {
	const groups, per, pixels = 2, 3, 8
	p, y := run(t, GroupNorm{Groups: groups}, data.Shape{2, 4, groups * per}, 3, rand.New(rand.NewPCG(5, 5)))
	gamma, beta := tensor64(p, "weight"), tensor64(p, "bias")
	for row := range 3 {
		for g := range groups {
			at := func(k int) int { return (row*pixels+k/per)*groups*per + g*per + k%per }
			var mean, variance float64
			for k := range pixels * per {
				mean += float64(p.x[at(k)]) / (pixels * per)
			}
			for k := range pixels * per {
				d := float64(p.x[at(k)]) - mean
				variance += d * d / (pixels * per)
			}
			for k := range pixels * per {
				c := g*per + k%per
				want := (float64(p.x[at(k)])-mean)/math.Sqrt(variance+1e-5)*gamma(0, c) + beta(0, c)
				if got := y[at(k)]; !close64(got, want) {
					t.Fatalf("row %d, group %d: %g, want %g", row, g, got, want)
				}
			}
		}
	}
}

// The convolution along steps is the sum over its taps, computed in float64.
func TestConv1DFormula(t *testing.T) {
	for _, c := range []Conv1D{
		{Out: 4}, {Out: 4, Kernel: 4}, {Out: 4, Stride: 2, Dilation: 2}, {Out: 4, Causal: true, Dilation: 3}, {Out: 4, Valid: true, Kernel: 2},
		{Out: 4, Groups: 2}, {Out: 2, Groups: 2, Causal: true, Stride: 3}, {Out: 4, Before: 3, After: 1}, {Out: 4, Before: 5, Stride: 2},
	} {
		in := data.Shape{9, 2}
		p, y := run(t, c, in, 1, rand.New(rand.NewPCG(6, 6)))
		w, bias := tensor64(p, "weight"), tensor64(p, "bias")
		c = c.defaults()
		out := p.net.out
		span := (c.Kernel-1)*c.Dilation + 1
		before := max((out[0]-1)*c.Stride+span-in[0], 0) / 2
		if c.Causal {
			before = span - 1
		} else if c.Valid || c.Before+c.After > 0 {
			before = c.Before
		}
		per, perOut := in[1]/c.Groups, c.Out/c.Groups
		for s := range out[0] {
			for o := range c.Out {
				want := bias(0, o)
				for k := range c.Kernel {
					from := s*c.Stride + k*c.Dilation - before
					if from < 0 || from >= in[0] {
						continue
					}
					for i := range per {
						want += float64(p.x[from*in[1]+o/perOut*per+i]) * w(k*per+i, o)
					}
				}
				if got := y[s*c.Out+o]; !close64(got, want) {
					t.Fatalf("%v: step %d, feature %d: %g, want %g", c, s, o, got, want)
				}
			}
		}
	}
}

// A convolution of any window is the sum over its taps, a maximum that over its pixels,
// computed in float64.
func TestWindowsFormula(t *testing.T) {
	const h, w, c = 9, 10, 4
	for _, k := range []Conv{
		{Out: 4}, {Out: 4, Kernel: 4, Stride: 2}, {Out: 4, Kernel: 1, Columns: Along{Size: 3}}, {Out: 4, Stride: 2, Columns: Along{Size: 5, Stride: 1, Dilation: 2}},
		{Out: 4, Dilation: 3, Valid: true}, {Out: 4, Pad: Pad{2, 0, 1, 3}}, {Out: 4, Kernel: 2, Pad: Pad{3, 3, 0, 2}}, {Out: 4, Groups: 2, Dilation: 2, Pad: Pad{1, 2, 3, 0}},
		{Out: 4, Groups: 4, Columns: Along{Size: 5}}, {Out: 4, Groups: 4, Stride: 2, Pad: Pad{1, 1, 1, 1}}, {Out: 4, Kernel: 1, Pad: Pad{1, 1, 1, 1}},
	} {
		p, y := run(t, k, data.Shape{h, w, c}, 1, rand.New(rand.NewPCG(6, 6)))
		weight, bias := tensor64(p, "weight"), tensor64(p, "bias")
		k = k.defaults()
		top, left := (k.Kernel-1)*k.Dilation/2, (k.Columns.Size-1)*k.Columns.Dilation/2
		if k.Pad != (Pad{}) || k.Valid {
			top, left = k.Pad.Top, k.Pad.Left
		}
		per, perOut, out := c/k.Groups, k.Out/k.Groups, p.net.out
		for at := range out.Size() {
			i, j, o := at/(out[1]*out[2]), at/out[2]%out[1], at%out[2]
			want := bias(0, o)
			for tap := range k.Kernel * k.Columns.Size {
				r, s := i*k.Stride+tap/k.Columns.Size*k.Dilation-top, j*k.Columns.Stride+tap%k.Columns.Size*k.Columns.Dilation-left
				if r < 0 || r >= h || s < 0 || s >= w {
					continue
				}
				for q := range per {
					want += float64(p.x[(r*w+s)*c+o/perOut*per+q]) * weight(tap*per+q, o)
				}
			}
			if !close64(y[at], want) {
				t.Fatalf("%v: pixel %d, %d of channel %d is %g, want %g", k, i, j, o, y[at], want)
			}
		}
	}
	for _, k := range []MaxPool{{Size: 3, Stride: 2, Pad: Pad{1, 1, 1, 1}}, {Size: 1, Columns: Along{Size: 2}}, {Size: 3, Stride: 1, Columns: Along{Size: 2, Stride: 3}, Pad: Pad{2, 0, 0, 1}}} {
		p, y := run(t, k, data.Shape{h, w, c}, 1, rand.New(rand.NewPCG(6, 6)))
		rows, columns := k.Windows(data.Shape{h, w, c})
		for at, got := range y {
			i, j, o, want := at/(columns.Out*c), at/c%columns.Out, at%c, float32(math.Inf(-1))
			for r := max(i*rows.Stride-k.Pad.Top, 0); r < min(i*rows.Stride-k.Pad.Top+rows.Size, h); r++ {
				for s := max(j*columns.Stride-k.Pad.Left, 0); s < min(j*columns.Stride-k.Pad.Left+columns.Size, w); s++ {
					want = max(want, p.x[(r*w+s)*c+o])
				}
			}
			if got != want {
				t.Fatalf("%v: pixel %d, %d of channel %d is %g, want %g", k, i, j, o, got, want)
			}
		}
	}
}
