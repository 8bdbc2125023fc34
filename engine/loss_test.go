package engine

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/optim"
)

// The gradient of each loss, against differences of its value.
func TestLossGradients(t *testing.T) {
	r := rand.New(rand.NewPCG(10, 10))
	const rows, cols = 5, 4
	classes := targets{class: []int32{0, 3, 1, 1, 2}}
	soft := targets{class: classes.class, soft: normal(r, rows*cols)}
	values := targets{value: normal(r, rows*cols)}
	shares := targets{value: make([]float32, rows*cols)}
	for i := range shares.value {
		shares.value[i] = r.Float32()
	}
	for _, c := range []struct {
		l Loss
		t targets
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
		y := normal(r, rows*cols)
		g, d := make([]float32, len(y)), make([]float32, len(y))
		c.l.gradient(g, y, c.t, rows)
		mean := func() float64 {
			sum, weight := c.l.gradient(d, y, c.t, rows)
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
		t    targets
		rows int
		want float64
	}{
		{"cross-entropy", CrossEntropy{}, []float32{0, 0, l3, 0}, targets{class: []int32{0, 0}}, 2, (l2 + math.Log(4./3)) / 2},
		{"label smoothing", CrossEntropy{Smoothing: .2}, []float32{l3, 0}, targets{class: []int32{0}}, 1, .9*math.Log(4./3) + .1*math.Log(4)},
		{"class weights", CrossEntropy{Weights: []float32{1, 3}}, []float32{0, 0, l3, 0}, targets{class: []int32{1, 0}}, 2, (3*l2 + math.Log(4./3)) / 4},
		{"class weights and smoothing", CrossEntropy{Smoothing: .2, Weights: []float32{1, 3}}, []float32{l3, 0}, targets{class: []int32{0}}, 1, .9*math.Log(4./3) + .3*math.Log(4)},
		{"binary", BinaryCrossEntropy{}, []float32{l3, -l3}, targets{value: []float32{1, .5}}, 1, (math.Log(4./3) + .5*math.Log(4) + .5*math.Log(4./3)) / 2},
		{"binary, of classes", BinaryCrossEntropy{PositiveWeight: 2}, []float32{l3, l3}, targets{class: []int32{1, 0}}, 2, (2*math.Log(4./3) + math.Log(4)) / 2},
		{"binary, large", BinaryCrossEntropy{}, []float32{1000, -1000}, targets{value: []float32{0, 0}}, 2, 500},
		{"MSE", MSE{}, []float32{1, 5}, targets{value: []float32{2, 3}}, 1, 2.5},
		{"MAE", MAE{}, []float32{1, 5}, targets{value: []float32{2, 3}}, 1, 1.5},
		{"Huber", Huber{}, []float32{1.5, 5}, targets{value: []float32{2, 3}}, 1, (.125 + 1.5) / 2},
		{"Huber, delta", Huber{Delta: 3}, []float32{1, 5}, targets{value: []float32{2, 3}}, 1, 1.25},
		// T 2: the student's p is (√3, 1)/(√3 + 1), the teacher's even.
		{"distillation", Distillation{Alpha: .25}, []float32{l3, 0}, targets{class: []int32{0}, soft: []float32{7, 7}}, 1,
			.25*4*(.5*math.Log(.5*(math.Sqrt(3)+1)/math.Sqrt(3))+.5*math.Log(.5*(math.Sqrt(3)+1))) + .75*math.Log(4./3)},
	} {
		d := make([]float32, len(c.y))
		sum, weight := c.l.gradient(d, c.y, c.t, c.rows)
		if got := sum / weight; math.Abs(got-c.want) > 1e-6*(1+c.want) {
			t.Errorf("%s: %g, want %g", c.name, got, c.want)
		}
	}
}

func TestLossErrors(t *testing.T) {
	classes := blobs(data.Shape{2}, 3, 6)
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
		err := c.l.validate()
		if err == nil {
			err = c.l.fits(c.out, c.s)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.l, err, c.want)
		}
	}
}

// Each loss trains a network that it fits.
func TestLossesTrain(t *testing.T) {
	classes, two, values := blobs(data.Shape{3}, 4, 64), blobs(data.Shape{3}, 2, 64), curve(64)
	teacher := mustCompile(t, Seq{Dense{Out: 16}, Tanh{}, Dense{Out: 4}}, data.Shape{3}, Config{})
	taught := *classes
	taught.Soft = make([]float32, 64*4)
	if err := teacher.Predict(taught.X, taught.Soft); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		l   Loss
		s   *data.Set
		out int
	}{
		{CrossEntropy{Weights: classes.BalancedWeights(), Smoothing: 0.1}, classes, 4},
		{BinaryCrossEntropy{}, two, 1},
		{MSE{}, values, 2}, {MAE{}, values, 2}, {Huber{}, values, 2},
		{Distillation{Alpha: 1}, &taught, 4},
	} {
		n := mustCompile(t, Seq{Dense{Out: 32}, Tanh{}, Dense{Out: c.out}}, data.Shape{3}, Config{Loss: c.l, Batch: 16})
		tr := mustTrain(t, n, TrainConfig{Schedule: optim.Constant{LR: 0.02}})
		var first, last float64
		for i := range 60 {
			loss, err := tr.Epoch(c.s)
			if err != nil {
				t.Fatal(err)
			}
			if last = loss; i == 0 {
				first = loss
			}
		}
		if !(last < first/2) && !(c.l.String() == "cross-entropy" && last < 0.6) { // smoothing leaves 0.47
			t.Errorf("%v: loss %g after %g", c.l, last, first)
		}
		score, err := tr.Evaluate(c.s)
		if err != nil || c.s == two && score.Accuracy < 0.9 {
			t.Errorf("%v: %+v, %v", c.l, score, err)
		}
	}
}

func TestBalancedWeights(t *testing.T) {
	s := &data.Set{Class: []int32{0, 0, 0, 2}, Classes: 3}
	if w := s.BalancedWeights(); w[0] != 4./9 || w[1] != 0 || w[2] != 4./3 {
		t.Errorf("weights %v", w)
	}
}
