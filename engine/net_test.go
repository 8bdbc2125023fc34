package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/loss"
	"budwood/engine/optim"
)

func mustCompile(t testing.TB, l Layer, in data.Shape, cfg Config) *Net {
	t.Helper()
	n, err := Compile(l, in, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func mustTrain(t testing.TB, n *Net, cfg TrainConfig) *Trainer {
	t.Helper()
	tr, err := NewTrainer(n, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// blobs is a data set whose classes are noisy points around random centres.
func blobs(in data.Shape, classes, rows int) *data.Set {
	r := rand.New(rand.NewPCG(3, 3))
	w := in.Size()
	centres := normal(r, classes*w)
	s := &data.Set{Shape: in, Classes: classes, X: normal(r, rows*w)}
	for i := range rows {
		c := i % classes
		s.Class = append(s.Class, int32(c))
		for j := range w {
			s.X[i*w+j] = centres[c*w+j] + 0.5*s.X[i*w+j]
		}
	}
	return s
}

// curve is a data set for regression.
func curve(rows int) *data.Set {
	r := rand.New(rand.NewPCG(4, 4))
	s := &data.Set{Shape: data.Shape{3}, Outputs: 2, X: normal(r, rows*3)}
	for i := range rows {
		x := s.X[3*i:]
		s.Target = append(s.Target, x[0]*x[1], float32(math.Sin(float64(x[2]))))
	}
	return s
}

// rowsOfImage makes a sequence of an image.
var rowsOfImage = Reshape{To: data.Shape{8, 16}}

// kinds is a network of every kind, for images of 8×8×2.
var kinds = []struct {
	name  string
	layer Layer
}{
	{"linear", Dense{Out: 4}},
	{"mlp", Seq{Dense{Out: 32}, ReLU{}, Dense{Out: 16}, ReLU{}, Dense{Out: 4}}},
	{"gelu", Seq{Dense{Out: 32}, GELU{}, Dense{Out: 4}}},
	{"silu", Seq{Dense{Out: 32}, SiLU{}, Dense{Out: 4}}},
	{"tanh", Seq{Dense{Out: 32}, Tanh{}, Dense{Out: 4}}},
	{"sigmoid", Seq{Dense{Out: 32}, Sigmoid{}, Dense{Out: 4}}},
	{"leaky", Seq{Dense{Out: 32}, LeakyReLU{}, Dense{Out: 4}}},
	{"dropout", Seq{Dense{Out: 64}, ReLU{}, Dropout{P: 0.2}, Dense{Out: 4}}},
	{"norm", Seq{Dense{Out: 32}, BatchNorm{}, ReLU{}, Dense{Out: 4}}},
	{"cnn", Seq{Conv{Out: 8}, BatchNorm{}, ReLU{}, MaxPool{}, Conv{Out: 8}, ReLU{}, AvgPool{}, Dense{Out: 4}}},
	{"strided", Seq{Conv{Out: 8, Stride: 2}, ReLU{}, Conv{Out: 8, Valid: true}, ReLU{}, Flatten{}, Dense{Out: 4}}},
	{"depthwise", Seq{Conv{Out: 8, Kernel: 1}, Conv{Out: 8, Groups: 8}, ReLU{}, Conv{Out: 8, Groups: 2}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"resnet", Seq{Conv{Out: 8}, ReLU{},
		Residual{Seq{Conv{Out: 8}, BatchNorm{}, ReLU{}, Conv{Out: 8}, BatchNorm{}}}, ReLU{},
		Residual{Seq{Conv{Out: 12, Stride: 2}, BatchNorm{}, ReLU{}, Conv{Out: 12}}}, ReLU{},
		GlobalAvgPool{}, Dense{Out: 4}}},
	{"windows", Seq{
		Conv{Out: 8, Kernel: 3, Columns: Along{Size: 1, Stride: 2}, Pad: Pad{1, 0, 2, 0}, NoBias: true}, BatchNorm{Eps: .001}, HardSwish{}, MaxPool{Size: 3, Stride: 2, Pad: Pad{1, 1, 1, 1}},
		SqueezeExcite{Gate: HardSigmoid{}}, Conv{Out: 8, Dilation: 2, Groups: 8}, Clip{}, Conv{Out: 8, Kernel: 2, Dilation: 2, Columns: Along{Dilation: 1}}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"class token", Seq{Conv{Out: 16, Kernel: 4, Stride: 4, Valid: true}, Reshape{To: data.Shape{4, 16}}, ClassToken{}, Positional{Learned: true}, Transformer{Heads: 2, Eps: 1e-6}, LayerNorm{Eps: 1e-6}, LastStep{}, Dense{Out: 4}}},
	{"layer norm", Seq{Dense{Out: 32}, LayerNorm{}, ReLU{}, Dense{Out: 4}}},
	{"group norm", Seq{Conv{Out: 8}, GroupNorm{Groups: 2}, ReLU{}, GlobalMaxPool{}, Dense{Out: 4}}},
	{"branches", Seq{
		Par{Branches: []Seq{{Conv{Out: 4, Kernel: 1}}, {Conv{Out: 4}, ReLU{}, Conv{Out: 4, Stride: 2}}, {MaxPool{}}}, Concat: true}, ReLU{},
		Par{Branches: []Seq{{}, {Conv{Out: 6}}}}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"squeeze", Seq{Conv{Out: 8}, ReLU{}, SqueezeExcite{}, Conv{Out: 8}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"pyramid", Seq{FPN{Stages: []Seq{{Conv{Out: 6}, ReLU{}}, {Conv{Out: 8, Stride: 2}, ReLU{}}, {MaxPool{}}}, Out: 6}, ReLU{}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"pooled pyramid", Seq{FPN{Stages: []Seq{{Conv{Out: 6}, ReLU{}}, {Conv{Out: 8, Stride: 2}, ReLU{}}}, Out: 6, Pool: true}, Dense{Out: 4}}},
	{"conv 1-d", Seq{rowsOfImage, Conv1D{Out: 8, Causal: true, Dilation: 2}, ReLU{}, MaxPool{}, Conv1D{Out: 8, Stride: 2}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"gru", Seq{rowsOfImage, GRU{Out: 12}, LastStep{}, Dense{Out: 4}}},
	{"transformer", Seq{rowsOfImage, Positional{}, Transformer{Heads: 4}, LayerNorm{}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"causal transformer", Seq{rowsOfImage, Positional{Learned: true},
		Transformer{Heads: 2, Causal: true, PostNorm: true, Activation: ReLU{}, Dropout: 0.1}, LastStep{}, Dense{Out: 4}}},
	{"attention", Seq{rowsOfImage, Dense{Out: 16, PerStep: true}, Attention{Heads: 4}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"cell", Seq{Conv{Out: 8}, Cell{Nodes: 3, Edges: []Edge{{From: 0, To: 1, Body: Seq{Conv{Out: 8}, ReLU{}}}, {From: 0, To: 2}, {From: 1, To: 2, Body: Seq{Conv{Out: 8, Kernel: 1}}}}}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"upsample", Seq{Conv{Out: 8, Stride: 2}, ReLU{}, Upsample{}, Conv{Out: 8}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"residual mlp", Seq{Dense{Out: 16}, Residual{Seq{ReLU{}, Dense{Out: 16}}}, Residual{Seq{Dense{Out: 4}}}}},
}

// Every kind of network learns 8 rows by heart.
func TestOverfits(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 8)
	rand.New(rand.NewPCG(1, 1)).Shuffle(8, func(i, j int) { s.Class[i], s.Class[j] = s.Class[j], s.Class[i] })
	for _, k := range kinds {
		n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8, Seed: 1})
		tr := mustTrain(t, n, TrainConfig{Schedule: optim.Constant{LR: 0.01}, Seed: 1})
		for range 150 {
			if _, err := tr.Epoch(s); err != nil {
				t.Fatalf("%s: %v", k.name, err)
			}
		}
		score, err := n.Evaluate(s)
		if err != nil || score.Accuracy != 1 || score.Loss > 0.1 {
			t.Errorf("%s: %+v, %v", k.name, score, err)
		}
	}
	reg := curve(8)
	n := mustCompile(t, Seq{Dense{Out: 32}, Tanh{}, Dense{Out: 2}}, reg.Shape, Config{Batch: 8, Loss: loss.MSE{}})
	tr := mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{Momentum: 0.9, Nesterov: true}, Schedule: optim.Constant{LR: 0.05}})
	for range 400 {
		if _, err := tr.Epoch(reg); err != nil {
			t.Fatal(err)
		}
	}
	if score, err := n.Evaluate(reg); err != nil || score.R2 < 0.99 || score.RMSE > 0.1 {
		t.Errorf("regression: %+v, %v", score, err)
	}
}

// The blocks of a plan overlap only when their lives do not.
func TestLayout(t *testing.T) {
	for _, k := range kinds {
		n := mustCompile(t, k.layer, data.Shape{8, 8, 2}, Config{Batch: 4})
		for i, a := range n.plan.Blocks {
			for _, b := range n.plan.Blocks[:i] {
				apart := a.Last < b.First || b.Last < a.First || a.Last == plan.Never || b.Last == plan.Never
				if !apart && int64(a.Off) < int64(b.Off)+b.Size && int64(b.Off) < int64(a.Off)+a.Size {
					t.Errorf("%s: blocks %+v and %+v overlap", k.name, *a, *b)
				}
			}
		}
	}
}

// The plan works whatever was in the arena before, as far as the step does not
// read it: with every block filled with NaN the results are the same.
func TestPlanReadsOnlyWhatItWrote(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 7)
	for _, k := range kinds {
		grads := func(dirty bool) []float32 {
			n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8, Seed: 1})
			if dirty {
				for _, b := range n.plan.Blocks {
					for i := range b.Floats {
						b.Floats[i] = float32(math.NaN())
					}
				}
			}
			n.step(plan.Pass{Rows: 7, Train: true, Key: 3}, n.gather(s, []int32{0, 1, 2, 3, 4, 5, 6}), 1)
			return n.Grads()
		}
		if !slices.Equal(grads(false), grads(true)) {
			t.Errorf("%s: gradients depend on what was in the arena", k.name)
		}
	}
}

func TestSameSeedSameWeights(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 50)
	for _, k := range kinds {
		train := func(seed uint64) []float32 {
			n := mustCompile(t, k.layer, s.Shape, Config{Batch: 16, Seed: seed})
			tr := mustTrain(t, n, TrainConfig{Seed: seed})
			for range 2 {
				if _, err := tr.Epoch(s); err != nil {
					t.Fatal(err)
				}
			}
			return n.Params()
		}
		if !slices.Equal(train(1), train(1)) {
			t.Errorf("%s: the same seed gives other weights", k.name)
		}
		if slices.Equal(train(1), train(2)) {
			t.Errorf("%s: another seed gives the same weights", k.name)
		}
	}
}

func TestTrainingDoesNotAllocate(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 8*20)
	for _, k := range kinds {
		n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8})
		for _, cfg := range []TrainConfig{
			{ClipNorm: 1},
			{Optimizer: optim.Lookahead{Fast: optim.RMSprop{Centered: true, Momentum: 0.9}}, Schedule: optim.Warmup{Then: optim.Plateau{Then: optim.CosineDecay{}}, Share: 0.1}, EMA: 0.9, Accumulate: 2, ClipValue: 1, LossScale: &LossScale{}, Groups: []Group{{Vectors: true, NoDecay: true}}},
		} {
			cfg.Epochs = 3
			tr := mustTrain(t, n, cfg)
			if a := testing.AllocsPerRun(5, func() {
				if _, err := tr.Step(s); err != nil {
					t.Fatal(err)
				}
			}); a != 0 {
				t.Errorf("%s with %v: %g allocations a step", k.name, tr.cfg.Optimizer, a)
			}
		}
		out := make([]float32, 8*20*4)
		if a := testing.AllocsPerRun(5, func() {
			if err := n.Predict(s.X, out); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %g allocations in Predict", k.name, a)
		}
	}
}

// Predict gives the same for any number of rows at once.
func TestPredictRows(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 21)
	for _, k := range kinds {
		a := mustCompile(t, k.layer, s.Shape, Config{Batch: 8, Seed: 1})
		b := mustCompile(t, k.layer, s.Shape, Config{Batch: 1, Seed: 1})
		x, y := make([]float32, 21*4), make([]float32, 21*4)
		if err := a.Predict(s.X, x); err != nil {
			t.Fatal(err)
		}
		if err := b.Predict(s.X, y); err != nil {
			t.Fatal(err)
		}
		for i := range x {
			if math.Abs(float64(x[i]-y[i])) > 1e-5*(1+math.Abs(float64(y[i]))) {
				t.Fatalf("%s: output %d is %g in batches of 8, %g one by one", k.name, i, x[i], y[i])
			}
		}
	}
	n := mustCompile(t, Dense{Out: 2}, data.Shape{3}, Config{})
	if err := n.Predict(make([]float32, 4), make([]float32, 2)); err == nil {
		t.Error("4 values are rows of 3")
	}
}

// EvaluateTo scores as Evaluate does and writes what Predict gives, in a last batch of
// fewer rows too; of a trainer with averaged weights both are those of the average.
func TestEvaluateTo(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 21)
	for _, k := range kinds {
		n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8, Seed: 1})
		tr := mustTrain(t, n, TrainConfig{Epochs: 1, EMA: .9})
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, 21*4), make([]float32, 21*4)
		score, err := tr.EvaluateTo(got, s)
		same, err2 := tr.Evaluate(s)
		if err != nil || err2 != nil || score != same {
			t.Errorf("%s: score %+v, want %+v; %v, %v", k.name, score, same, err, err2)
		}
		tr.KeepBest()
		tr.RestoreBest() // the average
		if err := n.Predict(s.X, want); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: other outputs than Predict's", k.name)
		}
		if _, err := n.EvaluateTo(got[1:], s); err == nil {
			t.Errorf("%s: a place for too few outputs", k.name)
		}
	}
}

// Measure and the compiled network agree.
func TestCostMatchesPlan(t *testing.T) {
	for _, k := range kinds {
		_, c, err := Measure(k.layer, data.Shape{8, 8, 2})
		if err != nil {
			t.Fatal(err)
		}
		n := mustCompile(t, k.layer, data.Shape{8, 8, 2}, Config{Batch: 16})
		if int(c.Params) != len(n.Params()) {
			t.Errorf("%s: %d parameters measured, %d compiled", k.name, c.Params, len(n.Params()))
		}
		if got := n.Cost(); got != c {
			t.Errorf("%s: %+v measured, %+v compiled", k.name, c, got)
		}
		if len(n.arena) < 2*len(n.Params())+16*int(c.Activations) {
			t.Errorf("%s: the arena is smaller than what it holds", k.name)
		}
		if !strings.Contains(n.Summary(), k.layer.String()) && k.name == "linear" {
			t.Errorf("%s: summary\n%s", k.name, n.Summary())
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    data.Shape
		cfg   Config
		want  string
	}{
		{Seq{}, data.Shape{3}, Config{}, "no layer has parameters"},
		{Seq{ReLU{}}, data.Shape{3}, Config{}, "no layer has parameters"},
		{nil, data.Shape{3}, Config{}, "no layers"},
		{Dense{Out: 2}, data.Shape{}, Config{}, "no values"},
		{Dense{Out: 2}, data.Shape{3}, Config{Batch: -1}, "batch -1"},
		{Dense{Out: 2}, data.Shape{3}, Config{Loss: loss.CrossEntropy{Smoothing: 1}}, "smoothing 1"},
		{Seq{Dense{Out: maxDim}, Dense{Out: maxDim}}, data.Shape{3}, Config{}, "limit"},
		{Seq{Conv{Out: maxDim}}, data.Shape{maxDim, maxDim, maxDim}, Config{}, "limit"},
	} {
		if _, err := Compile(c.layer, c.in, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v of %v: error %v does not say %q", c.layer, c.in, err, c.want)
		}
	}
}

func TestSetErrors(t *testing.T) {
	n := mustCompile(t, Dense{Out: 2}, data.Shape{2}, Config{})
	x := []float32{1, 2, 3, 4}
	for _, c := range []struct {
		set  *data.Set
		want string
	}{
		{nil, "nil"},
		{&data.Set{Shape: data.Shape{2}}, "no rows"},
		{&data.Set{X: x}, "no values"},
		{&data.Set{Shape: data.Shape{3}, X: x, Classes: 2, Class: []int32{0}}, "not a multiple"},
		{&data.Set{Shape: data.Shape{2}, X: x, Classes: 2, Class: []int32{0}}, "1 classes for 2 rows"},
		{&data.Set{Shape: data.Shape{2}, X: x, Classes: 2, Class: []int32{0, 2}}, "row 1 has class 2"},
		{&data.Set{Shape: data.Shape{2}, X: x, Classes: 2, Class: []int32{0, 1}, Target: x}, "both"},
		{&data.Set{Shape: data.Shape{2}, X: x}, "either"},
		{&data.Set{Shape: data.Shape{2}, X: x, Outputs: 2, Target: x}, "needs classes"},
		{&data.Set{Shape: data.Shape{2}, X: x, Classes: 3, Class: []int32{0, 1}}, "2 outputs for 3 classes"},
		{&data.Set{Shape: data.Shape{1}, X: x, Classes: 2, Class: []int32{0, 1, 0, 1}}, "do not fit"},
	} {
		if _, err := n.Evaluate(c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.set, err, c.want)
		}
		if _, err := mustTrain(t, n, TrainConfig{}).Epoch(c.set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v does not say %q", c.set, err, c.want)
		}
	}
	s := blobs(data.Shape{2}, 2, 5)
	if h := s.Head(3); h.Len() != 3 || len(h.Class) != 3 || s.Head(-1).Len() != 0 || s.Head(9).Len() != 5 {
		t.Error("Head is wrong")
	}
}

// Regression scores against their definitions.
func TestRegressionScore(t *testing.T) {
	s := &data.Set{Shape: data.Shape{1}, X: []float32{1, 2, 3, 4}, Outputs: 2, Target: []float32{1, 5, 2, 5, 4, 5, 5, 5}}
	n := mustCompile(t, Dense{Out: 2}, data.Shape{1}, Config{Batch: 3, Loss: loss.MSE{}})
	copy(n.Params(), []float32{1, 0, 0, 5}) // y = (x, 5)
	score, err := n.Evaluate(s)
	if err != nil {
		t.Fatal(err)
	}
	// errors 0 0 −1 −1 and none; Σ(t−3)² = 10
	if math.Abs(score.RMSE-0.5) > 1e-6 || math.Abs(score.R2-(0.8+1)/2) > 1e-6 || math.Abs(score.Loss-0.25) > 1e-6 {
		t.Errorf("%+v", score)
	}
}
