package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
)

func contains(s, part string) bool { return strings.Contains(s, part) }

// nets have every kind of step.
var nets = []struct {
	name   string
	layer  engine.Seq
	in     data.Shape
	floats string // layers that stay in float32
}{
	{"mlp", engine.Seq{engine.Dense{Out: 50}, engine.BatchNorm{}, engine.ReLU{}, engine.Dropout{P: .1}, engine.Dense{Out: 33}, engine.Dense{Out: 7}}, data.Shape{21}, ""},
	{"cnn", engine.Seq{engine.Conv{Out: 16}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 20, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Flatten{}, engine.Dense{Out: 5}}, data.Shape{9, 8, 3}, ""},
	{"residual", engine.Seq{engine.Conv{Out: 8}, engine.BatchNorm{}, engine.ReLU{}, engine.Residual{Body: engine.Seq{engine.Conv{Out: 12, Stride: 2}, engine.BatchNorm{}, engine.ReLU{}, engine.Conv{Out: 12}, engine.BatchNorm{}}}, engine.ReLU{},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 12, Kernel: 5, Groups: 12}, engine.ReLU{}}}, engine.AvgPool{}, engine.Conv{Out: 12, Groups: 3}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{11, 10, 3}, ""},
	{"branches", engine.Seq{engine.Conv{Out: 8}, engine.ReLU{}, engine.Par{Concat: true, Branches: []engine.Seq{{engine.Conv{Out: 5, Kernel: 1}, engine.ReLU{}}, {}, {engine.Conv{Out: 6, Groups: 2}}}}, engine.Conv{Out: 16, Kernel: 2, Stride: 2}, engine.GlobalAvgPool{}, engine.Dense{Out: 4}}, data.Shape{7, 6, 2}, ""},
	{"sequence", engine.Seq{engine.Conv1D{Out: 16, Causal: true}, engine.ReLU{}, engine.Conv1D{Out: 16, Kernel: 3, Dilation: 2}, engine.ReLU{}, engine.MaxPool{}, engine.Conv1D{Out: 16, Kernel: 5, Stride: 2, Groups: 16}, engine.AvgPool{}, engine.Dense{Out: 6, PerStep: true}, engine.Flatten{}, engine.Dense{Out: 3}}, data.Shape{19, 4}, ""},
	{"transformer", engine.Seq{engine.Dense{Out: 16, PerStep: true}, engine.Transformer{Heads: 2, Hidden: 32}, engine.GlobalAvgPool{}, engine.Dense{Out: 3}}, data.Shape{6, 5},
		"1.0.body.0 LayerNorm, 1.0.body.1 Attention(2), 1.1.body.0 LayerNorm, 1.1.body.2 GELU, 2 GlobalAvgPool"},
	{"gru", engine.Seq{engine.GRU{Out: 12}, engine.Dense{Out: 3}}, data.Shape{6, 5}, "0 GRU(12)"},
}

func compiled(t testing.TB, l engine.Layer, in data.Shape, seed uint64) (*engine.Net, *data.Set) {
	t.Helper()
	n, err := engine.Compile(l, in, engine.Config{Batch: 64, Seed: seed})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(seed, 5))
	for _, p := range slices.Concat(n.Tensors(), n.Statistics()) {
		for i := range p.Data {
			if strings.HasSuffix(p.Name, "bias") || strings.HasSuffix(p.Name, "running_mean") {
				p.Data[i] = .3 * float32(r.NormFloat64())
			} else if len(p.Shape) == 1 {
				p.Data[i] = .5 + r.Float32()
			}
		}
	}
	s := &data.Set{Shape: in, X: make([]float32, 200*in.Size()), Class: make([]int32, 200), Classes: 3}
	for i := range s.X {
		s.X[i] = float32(r.NormFloat64())
	}
	for i := range s.Class {
		s.Class[i] = int32(i % 3)
	}
	return n, s
}

// The network in integers computes nearly what the network does, for every kind of step,
// and says what stays in float32.
func TestQuantize(t *testing.T) {
	for _, k := range nets {
		n, s := compiled(t, k.layer, k.in, 1)
		before := slices.Clone(n.Params())
		q, err := Quantize(n, s, Options{})
		if err != nil {
			t.Errorf("%s: %v", k.name, err)
			continue
		}
		if got := strings.Join(q.Floats(), ", "); got != k.floats {
			t.Errorf("%s: in float32 are %s, want %s", k.name, got, k.floats)
		}
		if !slices.Equal(before, n.Params()) {
			t.Errorf("%s: the network was changed", k.name)
		}
		want, got := outputs(t, n, s), outputs(t, q, s)
		var sum, all float64
		for i, v := range want {
			d := float64(v - got[i])
			sum, all = sum+d*d, all+float64(v)*float64(v)
		}
		if r := math.Sqrt(sum / all); !(r < .03) {
			t.Errorf("%s: outputs differ by %.3f of their size", k.name, r)
		}
	}
}

type predictor interface {
	Predict(x, out []float32) error
	Out() data.Shape
}

func outputs(t testing.TB, n predictor, s *data.Set) []float32 {
	t.Helper()
	out := make([]float32, s.Len()*n.Out().Size())
	if err := n.Predict(s.X, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Every instruction set gives the same bits; so does any number of rows at once.
func TestEveryLevelGivesTheSame(t *testing.T) {
	for _, k := range nets {
		if k.floats != "" {
			continue
		}
		n, s := compiled(t, k.layer, k.in, 2)
		q, err := Quantize(n, s, Options{})
		if err != nil {
			t.Fatal(err)
		}
		want := outputs(t, q, s)
		one := make([]float32, q.Out().Size())
		for r := range 5 {
			if err := q.Predict(s.X[r*s.Shape.Size():(r+1)*s.Shape.Size()], one); err != nil || !slices.Equal(one, want[r*len(one):(r+1)*len(one)]) {
				t.Errorf("%s: row %d alone is %v, %v, want %v", k.name, r, one, err, want[r*len(one):(r+1)*len(one)])
			}
		}
		if got, err := q.Outputs(s); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: all rows of a set give other bits: %v", k.name, err)
		}
		for _, name := range []string{"generic", "avx2", "avx512"} {
			l, ok := kernel.LevelOf(name, false)
			if !ok {
				continue
			}
			q.level = l
			q.finish()
			if got := outputs(t, q, s); !slices.Equal(got, want) {
				t.Errorf("%s: %s gives other bits", k.name, name)
			}
		}
	}
}

// Layers that are named stay in float32, and the calibration methods give networks.
func TestOptions(t *testing.T) {
	n, s := compiled(t, nets[1].layer, nets[1].in, 3)
	q, err := Quantize(n, s, Options{Float: []string{"0", "7"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(q.Floats(), ", "); !strings.HasPrefix(got, "0 Conv(16") || !contains(got, "Dense(5)") {
		t.Errorf("in float32 are %s", got)
	}
	for i := range s.X[:100*s.Shape.Size()] { // as the background of an image
		if i%3 > 0 {
			s.X[i] = 0
		}
	}
	want := outputs(t, n, s)
	for _, m := range []string{"minmax", "percentile: 99.9", "mse"} {
		c, err := ParseCalibration(m)
		if err != nil {
			t.Fatal(err)
		}
		if q, err = Quantize(n, s, Options{Calibration: c, Rows: 100}); err != nil {
			t.Fatal(err)
		}
		var sum, all float64
		for i, v := range outputs(t, q, s) {
			d := float64(v - want[i])
			sum, all = sum+d*d, all+float64(want[i])*float64(want[i])
		}
		if r := math.Sqrt(sum / all); !(r < .2) {
			t.Errorf("%s: outputs differ by %.3f of their size", m, r)
		}
	}
}
