package loss

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"budwood/data"
)

// Every field is checked: the ends of its range are in it, and what is beyond is
// named.
func TestLimitsOfLosses(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		l    Loss
		want string // "": it is right
	}{
		{MSE{}, ""}, {MAE{}, ""}, {Huber{}, ""}, {Huber{Delta: 3}, ""}, {Huber{Delta: nan}, "Huber loss: delta NaN"}, {Huber{Delta: inf}, "Huber loss: delta +Inf"},
		{BinaryCrossEntropy{}, ""}, {BinaryCrossEntropy{PositiveWeight: 3}, ""}, {BinaryCrossEntropy{PositiveWeight: -1}, "binary cross-entropy: positive weight -1"},
		{CrossEntropy{}, ""}, {CrossEntropy{Smoothing: .999}, ""}, {CrossEntropy{Smoothing: 1}, "cross-entropy: smoothing 1"}, {CrossEntropy{Smoothing: -.1}, "cross-entropy: smoothing -0.1"},
		{CrossEntropy{Weights: []float32{0, 1}}, ""}, {CrossEntropy{Weights: []float32{0, 0}}, "cross-entropy: no class has a weight above 0"}, {CrossEntropy{Weights: []float32{}}, "cross-entropy: no class has a weight above 0"},
		{CrossEntropy{Weights: []float32{.25}}, ""}, {CrossEntropy{Weights: []float32{1, -1}}, "cross-entropy: weight of class 1 -1"}, {CrossEntropy{Weights: []float32{float32(inf)}}, "cross-entropy: weight of class 0 +Inf"},
		{Distillation{}, ""}, {Distillation{Alpha: 1, Temperature: 9}, ""}, {Distillation{Alpha: 1.1}, "distillation: alpha 1.1"}, {Distillation{Alpha: -.1}, "distillation: alpha -0.1"},
		{Distillation{Alpha: nan}, "distillation: alpha NaN"}, {Distillation{Temperature: -1}, "distillation: temperature -1"},
		{Distillation{Classes: CrossEntropy{Weights: []float32{1, 1}}}, "distillation: does not weigh classes"}, {Distillation{Classes: CrossEntropy{Smoothing: 1}}, "cross-entropy: smoothing 1"},
	} {
		err := c.l.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.l, err, c.want)
		}
	}
}

// Which outputs a loss can compare with which set.
func TestWhatLossesFit(t *testing.T) {
	classes := func(k, labels int) *data.Set {
		return &data.Set{Shape: data.Shape{1}, X: make([]float32, 2), Class: make([]int32, 2*labels), Classes: k}
	}
	targets := func(outputs int, values ...float32) *data.Set {
		return &data.Set{Shape: data.Shape{1}, X: make([]float32, len(values)/outputs), Target: values, Outputs: outputs}
	}
	soft := classes(3, 1)
	soft.Soft = make([]float32, 6)
	for i, c := range []struct {
		l    Loss
		out  data.Shape
		s    *data.Set
		want string // "": it fits
	}{
		{MSE{}, data.Shape{2}, targets(2, 1, 2, 3, 4), ""}, {MSE{}, data.Shape{1}, targets(2, 1, 2, 3, 4), "the network has 1 outputs for 2 targets a row"},
		{MSE{}, data.Shape{1}, classes(2, 1), "mean squared error needs targets, the data set has 2 classes"}, {MAE{}, data.Shape{1}, classes(2, 1), "mean absolute error needs targets"},
		{MAE{}, data.Shape{2, 2}, targets(4, 1, 2, 3, 4), ""}, {Huber{}, data.Shape{3}, targets(1, 2), "the network has 3 outputs for 1 targets a row"}, {Huber{}, data.Shape{1}, targets(1, 2), ""},
		{BinaryCrossEntropy{}, data.Shape{1}, classes(2, 1), ""}, {BinaryCrossEntropy{}, data.Shape{2}, classes(2, 1), "binary cross-entropy is for 2 classes and one output each, not for 2 classes and 2 outputs"},
		{BinaryCrossEntropy{}, data.Shape{1}, classes(3, 1), "not for 3 classes and 1 outputs"}, {BinaryCrossEntropy{}, data.Shape{1}, classes(1, 1), "not for 1 classes"},
		{BinaryCrossEntropy{}, data.Shape{3}, classes(2, 3), ""}, {BinaryCrossEntropy{}, data.Shape{1}, targets(1, 0, 1, .5), ""},
		{BinaryCrossEntropy{}, data.Shape{2}, targets(2, 0, 1, .5, 1.1), "binary cross-entropy: row 1: target 1.1 is outside [0, 1]"}, {BinaryCrossEntropy{}, data.Shape{1}, targets(1, 0, -.1), "row 1: target -0.1"},
		{BinaryCrossEntropy{}, data.Shape{1}, targets(1, float32(math.NaN())), "row 0: target NaN"}, {BinaryCrossEntropy{}, data.Shape{2}, targets(1, 0, 1), "the network has 2 outputs for 1 targets a row"},
		{CrossEntropy{}, data.Shape{3}, classes(3, 1), ""}, {CrossEntropy{}, data.Shape{4}, classes(3, 1), ""}, {CrossEntropy{}, data.Shape{2}, classes(3, 1), "the network has 2 outputs for 3 classes"},
		{CrossEntropy{}, data.Shape{3}, targets(1, 2), "cross-entropy needs classes, the data set has 1 targets a row"}, {CrossEntropy{}, data.Shape{1, 3}, classes(3, 1), ""},
		{CrossEntropy{}, data.Shape{2, 3}, classes(3, 2), ""}, {CrossEntropy{}, data.Shape{2, 2}, classes(3, 2), "the network has 2 outputs for 3 classes"},
		{CrossEntropy{}, data.Shape{3, 3}, classes(3, 2), "the network's output 3×3 is not one row of logits for each of the 2 classes of a sample"}, {CrossEntropy{}, data.Shape{2, 1, 3}, classes(3, 2), "is not one row of logits"},
		{CrossEntropy{Weights: []float32{1, 1, 1}}, data.Shape{3}, classes(3, 1), ""}, {CrossEntropy{Weights: []float32{1, 1, 1}}, data.Shape{2, 3}, classes(3, 2), ""},
		{CrossEntropy{Weights: []float32{1, 1}}, data.Shape{2, 3}, classes(3, 2), "cross-entropy has 2 weights for 3 classes"}, {CrossEntropy{Weights: []float32{1, 1, 1, 1}}, data.Shape{3}, classes(3, 1), "cross-entropy has 4 weights for 3 classes"},
		{Distillation{}, data.Shape{3}, classes(3, 1), ""}, {Distillation{}, data.Shape{3}, soft, ""}, {Distillation{}, data.Shape{4}, soft, "distillation: the data set has 6 logits of a teacher, not 4 a row"},
		{Distillation{}, data.Shape{2}, classes(3, 1), "distillation: the network has 2 outputs for 3 classes"},
	} {
		err := c.l.Fits(c.out, c.s)
		if c.want != "" && strings.Contains(c.want, "3×3") {
			c.want = fmt.Sprintf("the network's output %v is not one row", c.out)
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d, %v: %v, want %q", i, c.l, err, c.want)
		}
	}
}

// The sum and its divisor are those of all rows of a batch, of however many rows and
// outputs: twice the rows are twice the sum.
func TestSumsAndDivisors(t *testing.T) {
	y := []float32{.5, -1, 2, .25, .75, -.5}
	v := []float32{1, 0, 1, 0, 1, 0}
	for _, c := range []struct {
		l      Loss
		rows   int
		weight float64
		each   func(y, v float64) float64
	}{
		{MSE{}, 3, 3, func(y, v float64) float64 { return (y - v) * (y - v) }},
		{MSE{}, 2, 2, func(y, v float64) float64 { return (y - v) * (y - v) }},
		{MAE{}, 3, 3, func(y, v float64) float64 { return math.Abs(y - v) }},
		{Huber{Delta: .5}, 3, 3, func(y, v float64) float64 {
			if e := math.Abs(y - v); e >= .5 {
				return .5 * (e - .25)
			}
			return (y - v) * (y - v) / 2
		}},
		{BinaryCrossEntropy{PositiveWeight: 3}, 3, 3, func(y, v float64) float64 {
			return -3*v*math.Log(1/(1+math.Exp(-y))) - (1-v)*math.Log(1-1/(1+math.Exp(-y)))
		}},
	} {
		d := make([]float32, len(y))
		sum, weight := c.l.Gradient(d, y, Targets{Value: append(append([]float32{}, v...), 9, 9)}, c.rows)
		want := 0.
		for i := range y {
			want += c.each(float64(y[i]), float64(v[i])) / float64(len(y)) * float64(c.rows)
		}
		if weight != c.weight || math.Abs(sum-want) > 1e-5 {
			t.Errorf("%v of %d rows: %v / %v, want %v / %v", c.l, c.rows, sum, weight, want, c.weight)
		}
	}
	// Class weights: the divisor is the sum of the rows' weights; rows without any have no loss.
	l := CrossEntropy{Weights: []float32{2, 0, .5}}
	d := []float32{9, 9, 9, 9, 9, 9}
	if sum, weight := l.Gradient(d, y, Targets{Class: []int32{1, 1}}, 2); sum != 0 || weight != 0 || d[0] != 0 || d[5] != 0 {
		t.Errorf("%v / %v, gradient %v", sum, weight, d)
	}
	nll := func(row []float32, class int) float64 {
		z := 0.
		for _, x := range row {
			z += math.Exp(float64(x))
		}
		return math.Log(z) - float64(row[class])
	}
	sum, weight := l.Gradient(d, y, Targets{Class: []int32{0, 2}}, 2)
	if want := 2*nll(y[:3], 0) + .5*nll(y[3:], 2); weight != 2.5 || math.Abs(sum-want) > 1e-5 {
		t.Errorf("%v / %v, want %v / 2.5", sum, weight, want)
	}
	// Two steps a row: one row has the mean of both.
	sum, weight = l.Gradient(d, y, Targets{Class: []int32{0, 2}}, 1)
	if want := (2*nll(y[:3], 0) + .5*nll(y[3:], 2)) / 2; weight != 1.25 || math.Abs(sum-want) > 1e-5 {
		t.Errorf("%v / %v, want %v / 1.25", sum, weight, want)
	}
	// A teacher's share: of two rows the sum of both.
	teacher := Distillation{Temperature: 1, Alpha: .25}
	logits := []float32{1, 2, 3, 3, 2, 1}
	sum, weight = teacher.Gradient(d, y, Targets{Class: []int32{0, 2}, Soft: logits}, 2)
	want := 0.
	for r, class := range []int{0, 2} {
		row, other := y[3*r:3*r+3], logits[3*r:3*r+3]
		want += .75 * nll(row, class)
		for k := range 3 {
			p := math.Exp(-nll(other, k))
			want += .25 * p * (nll(row, k) - nll(other, k))
		}
	}
	if weight != 2 || math.Abs(sum-want) > 1e-5 {
		t.Errorf("%v / %v, want %v / 2", sum, weight, want)
	}
	// Half a share and a temperature of 2 unless said otherwise.
	other := make([]float32, len(y))
	a, _ := Distillation{}.Gradient(d, y, Targets{Class: []int32{0, 2}, Soft: logits}, 2)
	b, _ := Distillation{Temperature: 2, Alpha: .5}.Gradient(other, y, Targets{Class: []int32{0, 2}, Soft: logits}, 2)
	if a != b || d[0] != other[0] {
		t.Errorf("%v by default, want %v", a, b)
	}
	// Steps of one row.
	sum, _ = teacher.Gradient(d, y, Targets{Class: []int32{0, 2}, Soft: logits}, 1)
	if math.Abs(sum-want/2) > 1e-5 {
		t.Errorf("%v, want %v", sum, want/2)
	}
}

// What serves training alone is left out where networks are compared.
func TestPlainLosses(t *testing.T) {
	for _, c := range []struct{ l, want Loss }{
		{CrossEntropy{Smoothing: .1, Weights: []float32{1}}, CrossEntropy{}}, {Distillation{Alpha: .3}, CrossEntropy{}}, {BinaryCrossEntropy{PositiveWeight: 3}, BinaryCrossEntropy{}},
		{MSE{}, MSE{}}, {MAE{}, MAE{}}, {Huber{Delta: 3}, Huber{Delta: 3}},
	} {
		if got := fmt.Sprintf("%+v", Plain(c.l)); got != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%+v becomes %s", c.l, got)
		}
	}
	names := ""
	for _, l := range []Loss{CrossEntropy{}, BinaryCrossEntropy{}, Distillation{}, MSE{}, MAE{}, Huber{}} {
		names += l.String() + ", "
	}
	if names != "cross-entropy, binary cross-entropy, distillation, mean squared error, mean absolute error, Huber loss, " {
		t.Error(names)
	}
}
