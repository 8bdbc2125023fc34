package onnx

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/quant"
)

// integers are networks in integers; bound is how far onnxruntime may be off: 0 where it
// computes in integers as we do.
var integers = []struct {
	name  string
	layer engine.Seq
	in    data.Shape
	bound float32
}{
	{"mlp", engine.Seq{engine.Dense{Out: 50}, engine.BatchNorm{}, engine.ReLU{}, engine.Dropout{P: .1}, engine.Dense{Out: 33, NoBias: true}, engine.ReLU{}, engine.Dense{Out: 7}}, data.Shape{21}, 0},
	{"cnn", engine.Seq{engine.Conv{Out: 16}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 20, Stride: 2}, engine.ReLU{}, engine.MaxPool{}, engine.Flatten{}, engine.Dense{Out: 30}, engine.ReLU{}, engine.Dense{Out: 5}}, data.Shape{13, 12, 3}, 0},
	{"depthwise", engine.Seq{engine.Conv{Out: 8}, engine.ReLU{}, engine.Conv{Out: 8, Groups: 8}, engine.ReLU{}, engine.Conv{Out: 12, Groups: 2, Kernel: 1}, engine.ReLU{}, engine.Flatten{}, engine.Dense{Out: 3}}, data.Shape{7, 7, 2}, 0},
	{"residual", engine.Seq{engine.Conv{Out: 8}, engine.ReLU{}, engine.Residual{Body: engine.Seq{engine.Conv{Out: 12, Stride: 2}, engine.ReLU{}, engine.Conv{Out: 12}}}, engine.ReLU{}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{9, 10, 3}, 0},
	{"branches", engine.Seq{engine.Conv{Out: 8}, engine.ReLU{}, engine.Par{Concat: true, Branches: []engine.Seq{{engine.Conv{Out: 5, Kernel: 1}, engine.ReLU{}}, {}}}, engine.AvgPool{}, engine.Dense{Out: 4}}, data.Shape{6, 6, 2}, 0},
	{"sequence", engine.Seq{engine.Conv1D{Out: 16, Causal: true, Dilation: 2}, engine.ReLU{}, engine.MaxPool{}, engine.Dense{Out: 6, PerStep: true}, engine.GELU{}, engine.Flatten{}, engine.Dense{Out: 3}}, data.Shape{18, 4}, 0},
	{"transformer", engine.Seq{engine.Dense{Out: 16, PerStep: true}, engine.Transformer{Heads: 2, Hidden: 32}, engine.GlobalAvgPool{}, engine.Dense{Out: 3}}, data.Shape{6, 5}, .03},
}

func inIntegers(t *testing.T, l engine.Layer, in data.Shape) (*quant.Net, []float32) {
	t.Helper()
	n, _ := compiled(t, l, in)
	r := rand.New(rand.NewPCG(8, 8))
	s := &data.Set{Shape: in, X: make([]float32, 100*in.Size()), Class: make([]int32, 100), Classes: 2}
	for i := range s.X {
		s.X[i] = float32(r.NormFloat64())
	}
	q, err := quant.Quantize(n, s, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return q, s.X[:20*in.Size()]
}

// What onnxruntime computes from the file is what the network in integers computes: the
// same bits, where it fuses to operators on integers.
func TestRuntimeInIntegers(t *testing.T) {
	var requests []request
	var want [][]float32
	for _, m := range integers {
		q, x := inIntegers(t, m.layer, m.in)
		var b bytes.Buffer
		if err := WriteQ(&b, q, Options{}); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		y := make([]float32, 20*q.Out().Size())
		if err := q.Predict(x, y); err != nil {
			t.Fatal(err)
		}
		requests = append(requests, request{m.name, b.Bytes(), append([]int{20}, m.in...), x, max(m.bound, 1e-30)})
		want = append(want, y)
	}
	agree(t, requests, want)
}

// The graph of a chain has the operators that onnxruntime fuses, and no Transpose but
// that of the input.
func TestQuantizedGraph(t *testing.T) {
	q, _ := inIntegers(t, integers[1].layer, integers[1].in)
	var b bytes.Buffer
	if err := WriteQ(&b, q, Options{}); err != nil {
		t.Fatal(err)
	}
	var ops []string
	for _, node := range read(t, b.Bytes()).sub(t, 7)[0].sub(t, 1) {
		ops = append(ops, node.text(4))
	}
	count := func(op string) (n int) {
		for _, o := range ops {
			if o == op {
				n++
			}
		}
		return n
	}
	got := fmt.Sprint(count("Conv"), count("Gemm"), count("Transpose"), count("QuantizeLinear"), count("DequantizeLinear"))
	if got != "2 2 1 7 15" {
		t.Errorf("%s convolutions, products, transposes and pairs: %s", got, strings.Join(ops, " "))
	}
	if !slices.Contains(ops, "MaxPool") {
		t.Errorf("%v", ops)
	}
	if err := WriteQ(&b, nil, Options{}); err == nil {
		t.Error("no network was written")
	}
	if err := WriteQ(&b, q, Options{Weights: engine.FP16}); err == nil {
		t.Error("16 bits were written")
	}
}
