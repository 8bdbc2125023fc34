package onnx

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
	"budwood/engine/loss"
)

// models hold every layer that has a form in ONNX.
var models = []struct {
	name  string
	layer engine.Seq
	in    data.Shape
}{
	{"mlp", engine.Seq{engine.Dense{Out: 9}, engine.BatchNorm{}, engine.ReLU{}, engine.Dropout{P: 0.3}, engine.Dense{Out: 7, NoBias: true}, engine.GELU{}, engine.LayerNorm{}, engine.Dense{Out: 3}}, data.Shape{5}},
	{"activations", engine.Seq{engine.Dense{Out: 6}, engine.LeakyReLU{}, engine.Dense{Out: 6}, engine.SiLU{}, engine.Dense{Out: 6}, engine.Tanh{}, engine.Dense{Out: 6}, engine.Sigmoid{}}, data.Shape{5}},
	{"cnn", engine.Seq{
		engine.Conv{Out: 4, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Conv{Out: 6, Kernel: 5, Stride: 2}, engine.AvgPool{}, engine.Flatten{}, engine.Dense{Out: 3},
	}, data.Shape{13, 11, 2}},
	{"even kernels", engine.Seq{
		engine.Conv{Out: 4, Kernel: 4}, engine.Conv{Out: 4, Kernel: 2, Stride: 3}, engine.Conv{Out: 3, Kernel: 1, Stride: 2}, engine.GlobalMaxPool{},
	}, data.Shape{14, 15, 2}},
	{"groups", engine.Seq{
		engine.Conv{Out: 8, Valid: true}, engine.GroupNorm{Groups: 4}, engine.ReLU{}, engine.Conv{Out: 8, Groups: 8}, engine.Conv{Out: 6, Groups: 2, Kernel: 1},
		engine.SqueezeExcite{Ratio: 2}, engine.GroupNorm{}, engine.Upsample{}, engine.GlobalAvgPool{}, engine.Dense{Out: 3},
	}, data.Shape{8, 9, 3}},
	{"windows", engine.Seq{
		engine.Conv{Out: 4, Kernel: 3, Columns: engine.Along{Size: 1, Stride: 2}, Pad: engine.Pad{Top: 1, Bottom: 2}, NoBias: true}, engine.BatchNorm{Eps: .01}, engine.HardSwish{},
		engine.MaxPool{Size: 3, Stride: 2, Pad: engine.Pad{Top: 1, Left: 1, Bottom: 1, Right: 1}}, engine.SqueezeExcite{Gate: engine.HardSigmoid{Alpha: .2, Beta: .5}},
		engine.Conv{Out: 4, Dilation: 2, Groups: 4}, engine.Clip{}, engine.BatchNorm{Eps: .1}, engine.Conv{Out: 6, Kernel: 2, Dilation: 2, Columns: engine.Along{Dilation: 1}, Groups: 2},
		engine.Clip{Low: -.2, High: math.Inf(1)}, engine.MaxPool{Size: 1, Columns: engine.Along{Size: 2}}, engine.Flatten{}, engine.Dense{Out: 3},
	}, data.Shape{13, 12, 2}},
	{"windows of steps", engine.Seq{
		engine.Conv1D{Out: 4, Before: 3, After: 1}, engine.HardSigmoid{}, engine.MaxPool{Size: 3, Stride: 2, Pad: engine.Pad{Top: 1, Bottom: 1}}, engine.GroupNorm{Groups: 2, Eps: .1},
		engine.ClassToken{}, engine.Transformer{Heads: 2, Eps: .01}, engine.LayerNorm{Eps: .1}, engine.LastStep{}, engine.Dense{Out: 3},
	}, data.Shape{12, 5}},
	{"residual", engine.Seq{
		engine.Conv{Out: 4}, engine.Residual{Body: engine.Seq{engine.Conv{Out: 4}, engine.ReLU{}}},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 6, Stride: 2}, engine.BatchNorm{}}},
		engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 2}}, {}, {engine.Conv{Out: 3, Stride: 2}}}, Concat: true},
		engine.Par{Branches: []engine.Seq{{engine.Conv{Out: 5}}, {engine.Conv{Out: 5, Kernel: 1}, engine.Tanh{}}}}, engine.Dense{Out: 3},
	}, data.Shape{8, 8, 2}},
	{"cell", engine.Seq{
		engine.Conv{Out: 4}, engine.Cell{Nodes: 4, Edges: []engine.Edge{
			{From: 0, To: 1, Body: engine.Seq{engine.Conv{Out: 4}, engine.BatchNorm{}}}, {From: 0, To: 2}, {From: 1, To: 2, Body: engine.Seq{engine.ReLU{}}},
			{From: 0, To: 3, Body: engine.Seq{engine.Conv{Out: 6, Stride: 2}}}, {From: 2, To: 3, Body: engine.Seq{engine.Conv{Out: 6, Kernel: 1}, engine.MaxPool{}}}, {From: 1, To: 3},
		}}, engine.Dense{Out: 3},
	}, data.Shape{8, 6, 2}},
	{"pyramid", engine.Seq{
		engine.FPN{Out: 3, Stages: []engine.Seq{{engine.Conv{Out: 4, Stride: 2}, engine.ReLU{}}, {engine.Conv{Out: 5, Stride: 2}}, {engine.Conv{Out: 6, Stride: 3}}}},
		engine.Dense{Out: 3},
	}, data.Shape{13, 15, 2}},
	{"pooled pyramid", engine.Seq{
		engine.FPN{Out: 4, Pool: true, Stages: []engine.Seq{{engine.Conv{Out: 4}}, {engine.Conv{Out: 5, Stride: 2}}}}, engine.Dense{Out: 3},
	}, data.Shape{13, 15, 2}},
	{"norms in the way", engine.Seq{
		engine.BatchNorm{}, engine.Conv{Out: 4}, engine.LeakyReLU{Slope: .2}, engine.BatchNorm{}, engine.LayerNorm{}, engine.Conv{Out: 6}, engine.GELU{}, engine.MaxPool{}, engine.Flatten{},
		engine.BatchNorm{}, engine.LayerNorm{}, engine.Tanh{}, engine.Par{Branches: []engine.Seq{{engine.Dense{Out: 3}}, {}}, Concat: true}, engine.Reshape{To: data.Shape{3, 17, 1}},
		engine.Conv{Out: 2, Stride: 2}, engine.Upsample{}, engine.Upsample{Height: 7, Width: 36},
	}, data.Shape{5, 9, 2}},
	{"flat branches", engine.Seq{
		engine.Conv{Out: 3}, engine.Flatten{}, engine.Residual{Body: engine.Seq{engine.SiLU{}}}, engine.Residual{Body: engine.Seq{engine.Dense{Out: 24}}}, engine.Reshape{To: data.Shape{4, 2, 3}}, engine.GlobalMaxPool{},
	}, data.Shape{4, 2, 2}},
	{"image of sequences", engine.Seq{
		engine.Conv{Out: 4}, engine.Dense{Out: 3, PerStep: true}, engine.MaxPool{}, engine.Reshape{To: data.Shape{6, 4}}, engine.Conv1D{Out: 5}, engine.BatchNorm{}, engine.ReLU{},
		engine.Residual{Body: engine.Seq{engine.Conv1D{Out: 6, Stride: 2}}}, engine.GroupNorm{Groups: 2}, engine.GlobalMaxPool{},
	}, data.Shape{4, 8, 2}},
	{"sequence", engine.Seq{
		engine.Reshape{To: data.Shape{12, 4}}, engine.Conv1D{Out: 6, Dilation: 2, Causal: true}, engine.ReLU{}, engine.Conv1D{Out: 6, Kernel: 4, Stride: 2, Groups: 2},
		engine.MaxPool{}, engine.GRU{Out: 5}, engine.LastStep{}, engine.Dense{Out: 3},
	}, data.Shape{6, 8}},
	{"encoder", engine.Seq{
		engine.Dense{Out: 8, PerStep: true}, engine.Positional{}, engine.Transformer{Heads: 2, Dropout: 0.1}, engine.Transformer{Heads: 4, PostNorm: true},
		engine.LayerNorm{}, engine.GlobalAvgPool{}, engine.Dense{Out: 3},
	}, data.Shape{7, 5}},
	{"pruned", engine.Seq{
		engine.LayerNorm{Of: 9}, engine.Attention{Heads: 3, HeadSize: 2}, engine.Reshape{To: data.Shape{3, 3, 5}}, engine.LayerNorm{Of: 5}, engine.Conv{Out: 6},
		engine.GroupNorm{Groups: 2, Of: 5}, engine.SqueezeExcite{Hidden: 3}, engine.GlobalAvgPool{}, engine.LayerNorm{Of: 8}, engine.Dense{Out: 3},
	}, data.Shape{9, 5}},
	{"decoder", engine.Seq{
		engine.Embedding{Vocab: 11, Out: 8}, engine.Positional{Learned: true}, engine.Transformer{Heads: 2, Causal: true}, engine.Attention{NoBias: true},
		engine.Dense{Out: 11, PerStep: true},
	}, data.Shape{6}},
}

// compiled makes a network with statistics that are not those of the start.
func compiled(t *testing.T, l engine.Layer, in data.Shape) (*engine.Net, []float32) {
	t.Helper()
	n, err := engine.Compile(l, in, engine.Config{Batch: 4, Seed: 5, Loss: loss.MSE{}})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for _, x := range n.Tensors() {
		for i := range x.Data {
			x.Data[i] += 0.1 * float32(r.NormFloat64())
		}
	}
	for _, x := range n.Statistics() {
		for i := range x.Data {
			x.Data[i] += r.Float32()
		}
	}
	x := make([]float32, rows*in.Size())
	for i := range x {
		x[i] = float32(r.NormFloat64())
		if len(in) == 1 && in[0] == 6 { // tokens
			x[i] = float32(r.IntN(11))
		}
	}
	return n, x
}

const rows = 3

// What onnxruntime computes from the file is what the network predicts, and with
// weights in 16 bits what it predicts with rounded weights. The environment
// variable ONNXRUNTIME names a folder in which npm has installed onnxruntime-node or onnxruntime-web;
// without it, or without node, the test skips.
func TestRuntime(t *testing.T) {
	var requests []request
	var want [][]float32
	for _, m := range models {
		for p, bound := range map[engine.Precision]float32{engine.F32: 0, engine.FP16: 1. / 128, engine.BF16: 1. / 32} {
			n, x := compiled(t, m.layer, m.in)
			var b bytes.Buffer
			if err := Write(&b, n, Options{Weights: p}); err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			y := make([]float32, rows*n.Out().Size())
			if err := n.Predict(x, y); err != nil {
				t.Fatalf("%s: %v", m.name, err)
			}
			requests = append(requests, request{fmt.Sprintf("%s, %v", m.name, p), b.Bytes(), append([]int{rows}, m.in...), x, max(bound, 1e-5)})
			want = append(want, y)
		}
	}
	agree(t, requests, want)
}

type request struct {
	name  string
	Model []byte    `json:"model"`
	Dims  []int     `json:"dims"`
	Data  []float32 `json:"data"`
	bound float32
}

// agree runs models and compares their outputs.
func agree(t *testing.T, requests []request, want [][]float32) {
	t.Helper()
	folder := os.Getenv("ONNXRUNTIME")
	node, err := exec.LookPath("node")
	if folder == "" || err != nil {
		t.Skip("needs node, and ONNXRUNTIME=FOLDER after npm install --ignore-scripts onnxruntime-node (or onnxruntime-web) in it")
	}
	for i := range requests {
		for j, v := range requests[i].Data {
			if v != v {
				requests[i].Data[j] = missing // JSON has no NaN
			}
		}
	}
	in, err := json.Marshal(requests)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "testdata/run.mjs", folder)
	cmd.Stdin = bytes.NewReader(in)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	var got []struct {
		Dims []int
		Data []float32
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for i, r := range requests {
		if len(got[i].Data) != len(want[i]) {
			t.Errorf("%s: %d numbers of shape %v, want %d", r.name, len(got[i].Data), got[i].Dims, len(want[i]))
			continue
		}
		var worst float64
		for j, v := range got[i].Data {
			worst = max(worst, math.Abs(float64(v-want[i][j]))/(1+math.Abs(float64(want[i][j]))))
		}
		if !(worst < float64(r.bound)) {
			t.Errorf("%s: off by %g", r.name, worst)
		}
	}
}

// missing stands for NaN in what is sent to the runtime.
const missing = 1e38

// The files are graphs: every input of a node is there before it, every name
// once, every constant as large as its dimensions, the weights in it.
func TestGraph(t *testing.T) {
	for _, m := range models {
		n, _ := compiled(t, m.layer, m.in)
		var b bytes.Buffer
		if err := Write(&b, n, Options{}); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		model := read(t, b.Bytes())
		if v := model.number(1); v != irVersion {
			t.Errorf("%s: version %d", m.name, v)
		}
		if v := model.sub(t, 8)[0].number(2); v != opset {
			t.Errorf("%s: operators of version %d", m.name, v)
		}
		g := model.sub(t, 7)[0]
		known := map[string]bool{"": true, "input": true}
		numbers := 0
		for _, c := range g.sub(t, 5) {
			name := c.text(8)
			if known[name] {
				t.Errorf("%s: two constants %s", m.name, name)
			}
			known[name] = true
			size := 4
			if c.number(2) == int64Type {
				size = 8
			}
			for _, d := range c.numbers[1] {
				size *= int(d)
			}
			if len(c.text(9)) != size {
				t.Errorf("%s: constant %s has %d bytes, want %d", m.name, name, len(c.text(9)), size)
			}
			numbers += size / 4
		}
		folded, err := compress.Fold(n)
		if err != nil {
			t.Fatal(err)
		}
		if numbers < len(folded.Params()) {
			t.Errorf("%s: %d numbers for %d parameters", m.name, numbers, len(folded.Params()))
		}
		nodes := map[string]bool{}
		for _, node := range g.sub(t, 1) {
			for _, in := range node.texts[1] {
				if !known[in] {
					t.Errorf("%s: %s reads %s, which is not there", m.name, node.text(3), in)
				}
			}
			for _, out := range node.texts[2] {
				if known[out] {
					t.Errorf("%s: %s is written twice", m.name, out)
				}
				known[out] = true
			}
			if nodes[node.text(3)] || node.text(4) == "" {
				t.Errorf("%s: node %q has a name that is taken, or no operator", m.name, node.text(3))
			}
			nodes[node.text(3)] = true
		}
		if !known["output"] || g.sub(t, 11)[0].text(1) != "input" || g.sub(t, 12)[0].text(1) != "output" {
			t.Errorf("%s: input or output is missing", m.name)
		}
	}
}

func TestErrors(t *testing.T) {
	if err := Write(&bytes.Buffer{}, nil, Options{}); err == nil {
		t.Error("no network: no error")
	}
	if err := Write(full{}, func() *engine.Net { n, _ := compiled(t, models[0].layer, models[0].in); return n }(), Options{}); err == nil {
		t.Error("a writer that fails: no error")
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }
