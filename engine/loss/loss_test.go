package loss

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
)

// The gradient of each loss, against differences of its value.
func TestLossGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	const rows, cols = 5, 4
	classes := Targets{Class: []int32{0, 3, 1, 1, 2}}
	soft := Targets{Class: classes.Class, Soft: normals(r, rows*cols)}
	values := Targets{Value: normals(r, rows*cols)}
	shares := Targets{Value: make([]float32, rows*cols)}
	for i := range shares.Value {
		shares.Value[i] = r.Float32()
	}
	for _, c := range []struct {
		l Loss
		t Targets
	}{
		{CrossEntropy{}, classes},
		{CrossEntropy{Smoothing: 0.2}, classes},
		{CrossEntropy{Weights: []float32{1, 2, 0, 0.5}}, classes},
		{CrossEntropy{Smoothing: 0.2, Weights: []float32{1, 2, 3, 0.5}}, classes},
		{BinaryCrossEntropy{}, shares},
		{BinaryCrossEntropy{PositiveWeight: 3}, shares},
		{MSE{}, values}, {MAE{}, values}, {Huber{}, values}, {Huber{Delta: 0.3}, values},
		{Distillation{}, soft},
		{Distillation{}, classes},
		{Distillation{Temperature: 3, Alpha: 1, Classes: CrossEntropy{Smoothing: 0.1}}, soft},
	} {
		y := normals(r, rows*cols)
		g, d := make([]float32, len(y)), make([]float32, len(y))
		c.l.Gradient(g, y, c.t, rows)
		mean := func() float64 {
			sum, weight := c.l.Gradient(d, y, c.t, rows)
			return sum / weight
		}
		for i := range y {
			const h = 1e-2
			v := y[i]
			y[i] = v + h
			up := mean()
			y[i] = v - h
			down := mean()
			y[i] = v
			if got := (up - down) / (2 * h); math.Abs(got-float64(g[i])) > 2e-4 {
				t.Errorf("%+v: output %d: gradient %g, differences %g", c.l, i, g[i], got)
			}
		}
	}
}

// Values worked out by hand from the formulas of the specification (label
// smoothing, distillation) and of PyTorch's documentation.
func TestLossValues(t *testing.T) {
	l2, l3 := math.Log(2), float32(math.Log(3))
	for _, c := range []struct {
		name string
		l    Loss
		y    []float32
		t    Targets
		rows int
		want float64
	}{
		{"cross-entropy", CrossEntropy{}, []float32{0, 0, l3, 0}, Targets{Class: []int32{0, 0}}, 2, (l2 + math.Log(4./3)) / 2},
		{"label smoothing", CrossEntropy{Smoothing: .2}, []float32{l3, 0}, Targets{Class: []int32{0}}, 1, .9*math.Log(4./3) + .1*math.Log(4)},
		{"class weights", CrossEntropy{Weights: []float32{1, 3}}, []float32{0, 0, l3, 0}, Targets{Class: []int32{1, 0}}, 2, (3*l2 + math.Log(4./3)) / 4},
		{"class weights and smoothing", CrossEntropy{Smoothing: .2, Weights: []float32{1, 3}}, []float32{l3, 0}, Targets{Class: []int32{0}}, 1, .9*math.Log(4./3) + .3*math.Log(4)},
		{"binary", BinaryCrossEntropy{}, []float32{l3, -l3}, Targets{Value: []float32{1, .5}}, 1, (math.Log(4./3) + .5*math.Log(4) + .5*math.Log(4./3)) / 2},
		{"binary, of classes", BinaryCrossEntropy{PositiveWeight: 2}, []float32{l3, l3}, Targets{Class: []int32{1, 0}}, 2, (2*math.Log(4./3) + math.Log(4)) / 2},
		{"binary, large", BinaryCrossEntropy{}, []float32{1000, -1000}, Targets{Value: []float32{0, 0}}, 2, 500},
		{"MSE", MSE{}, []float32{1, 5}, Targets{Value: []float32{2, 3}}, 1, 2.5},
		{"MAE", MAE{}, []float32{1, 5}, Targets{Value: []float32{2, 3}}, 1, 1.5},
		{"Huber", Huber{}, []float32{1.5, 5}, Targets{Value: []float32{2, 3}}, 1, (.125 + 1.5) / 2},
		{"Huber, delta", Huber{Delta: 3}, []float32{1, 5}, Targets{Value: []float32{2, 3}}, 1, 1.25},
		// T 2: the student's p is (√3, 1)/(√3 + 1), the teacher's even.
		{"distillation", Distillation{Alpha: .25}, []float32{l3, 0}, Targets{Class: []int32{0}, Soft: []float32{7, 7}}, 1,
			.25*4*(.5*math.Log(.5*(math.Sqrt(3)+1)/math.Sqrt(3))+.5*math.Log(.5*(math.Sqrt(3)+1))) + .75*math.Log(4./3)},
	} {
		d := make([]float32, len(c.y))
		sum, weight := c.l.Gradient(d, c.y, c.t, c.rows)
		if got := sum / weight; math.Abs(got-c.want) > 1e-6*(1+c.want) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestLossErrors(t *testing.T) {
	classes := &data.Set{Shape: data.Shape{2}, X: make([]float32, 12), Class: []int32{0, 1, 2, 0, 1, 2}, Classes: 3}
	values := &data.Set{Shape: data.Shape{2}, X: make([]float32, 4), Target: []float32{0, 2}, Outputs: 1}
	for _, c := range []struct {
		l    Loss
		out  data.Shape
		s    *data.Set
		want string
	}{
		{CrossEntropy{Weights: []float32{1, 1}}, data.Shape{3}, classes, "2 weights for 3 classes"},
		{CrossEntropy{Weights: []float32{0, 0}}, data.Shape{3}, classes, "no class has a weight"},
		{CrossEntropy{Weights: []float32{1, -1}}, data.Shape{3}, classes, "weight of class 1 -1"},
		{CrossEntropy{Smoothing: 1}, data.Shape{3}, classes, "smoothing 1"},
		{BinaryCrossEntropy{}, data.Shape{1}, classes, "not for 3 classes"},
		{BinaryCrossEntropy{}, data.Shape{1}, values, "row 1: target 2"},
		{MAE{}, data.Shape{2}, values, "2 outputs for 1 targets"},
		{Huber{}, data.Shape{1}, classes, "Huber loss needs targets"},
		{Huber{Delta: -1}, data.Shape{1}, values, "delta -1"},
		{Distillation{}, data.Shape{1}, values, "needs classes"},
		{Distillation{Alpha: 2}, data.Shape{3}, classes, "alpha 2"},
		{Distillation{Temperature: -1}, data.Shape{3}, classes, "temperature -1"},
	} {
		err := c.l.Validate()
		if err == nil {
			err = c.l.Fits(c.out, c.s)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.l, err, c.want)
		}
	}
}

func normals(r *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// A class a step: the loss is the mean over the steps, as if each were a row.
func TestClassesOfSteps(t *testing.T) {
	s := &data.Set{Shape: data.Shape{2}, X: []float32{0, 1, 2, 3, 4, 5}, Classes: 3}
	s.Class = []int32{1, 0, 2, 1, 0, 0}
	r := rand.New(rand.NewPCG(1, 2))
	y := normals(r, 6*3)
	steps, rows := make([]float32, 18), make([]float32, 18)
	of := Targets{Class: s.Class}
	l := CrossEntropy{Smoothing: 0.1}
	a, _ := l.Gradient(steps, y, of, 3)
	b, _ := l.Gradient(rows, y, of, 6)
	a, b = a/3, b/6
	if math.Abs(a-b) > 1e-12 || !slices.Equal(steps, rows) {
		t.Errorf("mean loss of 3 rows with 2 steps %v, of 6 rows %v", a, b)
	}

	for _, c := range []struct {
		out  data.Shape
		want string
	}{
		{data.Shape{2, 3}, ""},
		{data.Shape{2, 4}, ""},
		{data.Shape{6}, "not one row of logits for each of the 2 classes"},
		{data.Shape{3, 2}, "not one row of logits"},
		{data.Shape{2, 2}, "2 outputs for 3 classes"},
	} {
		if err := l.Fits(c.out, s); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("output %v: %v", c.out, err)
		}
	}
}

// The loss and gradient of mixed rows are the mixture of those of both classes.
func TestMixedLoss(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 5))
	const rows, steps, cols = 3, 2, 4
	l := CrossEntropy{Smoothing: 0.1}
	y := normals(r, rows*steps*cols)
	tg := Targets{Class: []int32{0, 1, 2, 3, 1, 1}, Partner: []int32{2, 1, 0, 0, 3, 2}, Keep: []float32{0.25, 0.5, 1}}
	d := make([]float32, len(y))
	sum, weight := l.Gradient(d, y, tg, rows)
	sum += tg.Mixed(d, y, rows, l.Smoothing)
	want, g := 0., make([]float32, cols)
	for i := range tg.Class {
		out := y[i*cols : (i+1)*cols]
		mixture := make([]float64, cols)
		for _, part := range []struct {
			class int32
			share float32
		}{{tg.Class[i], tg.Keep[i/steps]}, {tg.Partner[i], 1 - tg.Keep[i/steps]}} {
			loss, _ := l.Gradient(g, out, Targets{Class: []int32{part.class}}, 1)
			want += loss * float64(part.share)
			for j := range g {
				mixture[j] += float64(part.share*g[j]) / (rows * steps)
			}
		}
		for j, m := range mixture {
			if math.Abs(m-float64(d[i*cols+j])) > 1e-6 {
				t.Errorf("label %d: gradient %v, want %v", i, d[i*cols:(i+1)*cols], mixture)
				break
			}
		}
	}
	if got := sum / weight; math.Abs(got-want/(rows*steps)) > 1e-6 {
		t.Errorf("loss %v, want %v", got, want/(rows*steps))
	}
}
