package quant

import (
	"fmt"
	"math"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
)

// A product by hand: codes of weights, of the input, bias, sums and output are as ONNX
// Runtime 1.30 computes them.
func TestGoldenProduct(t *testing.T) {
	w := &weights{segs: 1, inner: 4, out: 3, groups: 1,
		kernel: []float32{1.76, .4, 0, 2.24, 1.87, 0, .95, -.15, 0, .41, .14, 0}, bias: []float32{.1, -.2, .05}}
	x := []float32{.76, .12, .44, .33, 1.49, -.21, .31, -.85}
	var s spread
	if err := s.add(x); err != nil {
		t.Fatal(err)
	}
	c := s.codes()
	if abs(c.Scale-.00917647034) > 1e-9 || c.Zero != 93 {
		t.Errorf("the input's codes are %+v", c)
	}
	q := make([]uint8, len(x)+kernel.Slack)
	c.Quantize(q[:len(x)], x)
	if fmt.Sprint(q[:len(x)]) != "[176 106 141 129 255 70 127 0]" {
		t.Errorf("codes of the input: %v", q[:len(x)])
	}
	w.quantize(c.Scale)
	if fmt.Sprint(w.codes) != "[100 27 0 127 127 0 54 -10 0 23 10 0]" {
		t.Errorf("codes of the weights: %v", w.codes)
	}
	if math.Abs(float64(w.scales[0])-.0176377948) > 1e-9 || math.Abs(float64(w.scales[1])-.0147244092) > 1e-9 {
		t.Errorf("scales %v", w.scales)
	}
	if w.sums[0] != 618 || w.sums[1] != -1480 || w.sums[2] != 1<<20 {
		t.Errorf("codes of the bias: %v", w.sums)
	}
	w.pack(c.Zero, false)
	p := kernel.ByteProduct{M: 2, A: q, RowA: 4, B: w.matrices[0], Bias: w.zeroed[0], C: make([]int32, 32)}
	p.Run()
	if got := fmt.Sprint(p.C[:2], p.C[16:18]); got != "[13989 2292] [13594 -1297]" {
		t.Errorf("sums %s", got)
	}
	y := kernel.Codes{Scale: .00886156783}
	scale := w.scaled(c.Scale, y.Scale)
	if math.Abs(float64(scale[0])-.0182645675) > 2e-9 || math.Abs(float64(scale[1])-.0152476514) > 2e-9 {
		t.Errorf("multipliers %v", scale[:3])
	}
	out := make([]uint8, 3)
	y.Requantize(out, p.C, scale)
	if out[0] != 255 || out[1] != 35 {
		t.Errorf("codes of the output: %v", out)
	}
	y.Requantize(out, p.C[16:], scale)
	if out[0] != 248 || out[1] != 0 {
		t.Errorf("codes of the output: %v", out)
	}
	floats := make([]float32, 3)
	kernel.Unquantize(floats, p.C, w.scaled(c.Scale, 1))
	if math.Abs(float64(floats[2])-.05) > 1e-8 {
		t.Errorf("the bias of a channel of zeros is %v", floats[2])
	}
}

// One outlier: the percentile drops it, squared error does not.
func TestGoldenRanges(t *testing.T) {
	values := func() []float32 {
		x := make([]float32, 1000, 1001)
		for i := range x {
			x[i] = float32(i) / 100
		}
		return append(x, 50)
	}
	for _, c := range []struct {
		method string
		high   float32
	}{{"minmax", 50}, {"percentile: 99.9", 9.99}, {"percentile: 100", 50}} {
		m, err := ParseCalibration(c.method)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := m.choose(values()); err != nil || s.high != c.high || s.low != 0 || abs(s.codes().Scale-c.high/255) > 1e-7 {
			t.Errorf("%s: %+v, %v; want up to %v", c.method, s, err, c.high)
		}
	}
	if s, err := (Calibration{Method: "mse"}).choose(values()); err != nil || s.high < 30 {
		t.Errorf("squared error drops a single outlier: %+v, %v", s, err)
	}
	for _, bad := range []string{"max", "percentile", "percentile: x", "percentile: 20", "minmax: 3", "entropy"} {
		if _, err := ParseCalibration(bad); err == nil {
			t.Errorf("%q is a calibration", bad)
		}
	}
}

// What cannot be quantized is said.
func TestMistakes(t *testing.T) {
	n, err := engine.Compile(engine.Seq{engine.Dense{Out: 3}}, data.Shape{2}, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rows := &data.Set{Shape: data.Shape{2}, X: []float32{1, 2}, Class: []int32{0}, Classes: 3}
	nan := &data.Set{Shape: data.Shape{2}, X: []float32{1, float32(math.NaN())}, Class: []int32{0}, Classes: 3}
	for _, c := range []struct {
		n    *engine.Net
		s    *data.Set
		o    Options
		want string
	}{
		{nil, rows, Options{}, "there is no network"},
		{n, nil, Options{}, "there are no rows"},
		{n, &data.Set{Shape: data.Shape{3}, X: []float32{1, 2, 3}, Class: []int32{0}, Classes: 3}, Options{}, "rows for calibration are 3, the network's inputs 2"},
		{n, nan, Options{}, "input: a value is NaN"},
		{n, rows, Options{Float: []string{"7"}}, `no layer's path is "7"`},
		{n, rows, Options{Calibration: Calibration{Method: "best"}}, `calibration "best" is none of`},
	} {
		if _, err := Quantize(c.n, c.s, c.o); err == nil || !contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
