package onnx

import (
	"bytes"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// What operators a file has, in their order: images stay with channels first, batch
// norms are folded, the rows of a dense layer's weights take the place of a Transpose.
func TestOperators(t *testing.T) {
	conv := engine.Seq{engine.Conv{Out: 4}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}}
	for _, c := range []struct {
		name  string
		layer engine.Seq
		in    data.Shape
		want  string
	}{
		{"gray", engine.Seq{conv, conv, engine.Dense{Out: 3}}, data.Shape{8, 8, 1}, "Reshape Conv Relu MaxPool Conv Relu MaxPool Reshape MatMul Add"},
		{"color", engine.Seq{conv, engine.Flatten{}, engine.Dropout{P: .1}, engine.Dense{Out: 3}, engine.BatchNorm{}, engine.ReLU{}}, data.Shape{8, 8, 3}, "Transpose Conv Relu MaxPool Reshape MatMul Add Relu"},
		{"branches", engine.Seq{
			engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 4}}, {engine.Conv{Out: 4, Kernel: 1}}}, Concat: true},
			engine.Residual{Body: conv[:3]}, engine.GlobalAvgPool{}, engine.Dense{Out: 3},
		}, data.Shape{8, 8, 3}, "Transpose Conv Conv Concat Conv Relu Conv Add GlobalAveragePool Reshape MatMul Add"},
		{"norm", engine.Seq{engine.Conv{Out: 4}, engine.ReLU{}, engine.BatchNorm{}, engine.Flatten{}, engine.LayerNorm{}, engine.Dense{Out: 3}}, data.Shape{4, 4, 3}, "Transpose Conv Relu Mul Add Reshape LayerNormalization MatMul Add"},
		{"image out", engine.Seq{engine.Conv{Out: 4}}, data.Shape{4, 4, 3}, "Transpose Conv Transpose"},
		{"sequence", engine.Seq{engine.Conv1D{Out: 4}, engine.ReLU{}, engine.Conv1D{Out: 4}, engine.MaxPool{}, engine.Dense{Out: 4, PerStep: true}, engine.GlobalAvgPool{}}, data.Shape{8, 3}, "Transpose Conv Relu Conv MaxPool Transpose MatMul Add ReduceMean"},
	} {
		n, _ := compiled(t, c.layer, c.in)
		var b bytes.Buffer
		if err := Write(&b, n, Options{}); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var ops []string
		for _, node := range read(t, b.Bytes()).sub(t, 7)[0].sub(t, 1) {
			ops = append(ops, node.text(4))
		}
		got, _ := strings.CutSuffix(strings.Join(ops, " "), " Identity")
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
