package engine

import (
	"math"
	"strings"
	"testing"

	"budwood/data"
)

func TestMeasure(t *testing.T) {
	cnn := Seq{
		Conv{Out: 16, NoBias: true}, BatchNorm{}, ReLU{}, MaxPool{},
		Conv{Out: 32, Stride: 2}, ReLU{}, Dropout{P: 0.5}, Dense{Out: 10},
	}
	out, c, err := Measure(cnn, data.Shape{28, 28, 1})
	if err != nil || !out.Equal(data.Shape{10}) {
		t.Fatalf("shape %v, error %v", out, err)
	}
	if want := int64(16*9 + 2*16 + 16*9*32 + 32 + 7*7*32*10 + 10); c.Params != want {
		t.Errorf("%d params, want %d", c.Params, want)
	}
	if want := int64(28*28*16*9 + 7*7*32*9*16 + 7*7*32*10); c.MACs != want {
		t.Errorf("%d MACs, want %d", c.MACs, want)
	}
}

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    data.Shape
		want  string
	}{
		{Dense{Out: 5}, data.Shape{4, 4, 3}, "5"},
		{Conv{Out: 8}, data.Shape{7, 9, 3}, "7×9×8"},
		{Conv{Out: 8, Stride: 2}, data.Shape{7, 8, 3}, "4×4×8"},
		{Conv{Out: 8, Kernel: 5, Valid: true}, data.Shape{7, 9, 3}, "3×5×8"},
		{Conv{Out: 6, Kernel: 4, Groups: 3}, data.Shape{7, 9, 3}, "7×9×6"},
		{MaxPool{}, data.Shape{7, 9, 3}, "3×4×3"},
		{Conv{Out: 8, Kernel: 3, Columns: Along{Size: 1, Stride: 2}}, data.Shape{7, 9, 3}, "7×5×8"},
		{Conv{Out: 8, Kernel: 3, Dilation: 2, Valid: true}, data.Shape{7, 9, 3}, "3×5×8"},
		{Conv{Out: 8, Kernel: 7, Stride: 2, Pad: Pad{3, 3, 3, 3}}, data.Shape{224, 223, 3}, "112×112×8"},
		{Conv{Out: 8, Kernel: 3, Pad: Pad{Left: 1, Right: 1}}, data.Shape{7, 9, 3}, "5×9×8"},
		{Conv1D{Out: 8, Before: 2, After: 1}, data.Shape{7, 3}, "8×8"},
		{MaxPool{Size: 3, Stride: 2, Pad: Pad{1, 1, 1, 1}}, data.Shape{112, 7, 3}, "56×4×3"},
		{MaxPool{Size: 1, Columns: Along{Size: 2}}, data.Shape{7, 9, 3}, "7×4×3"},
		{MaxPool{Size: 3, Stride: 2}, data.Shape{7, 3}, "3×3"},
		{ClassToken{}, data.Shape{7, 3}, "8×3"},
		{Seq{Clip{}, HardSigmoid{}, HardSwish{}}, data.Shape{7, 3}, "7×3"},
		{AvgPool{Size: 3}, data.Shape{7, 9, 3}, "2×3×3"},
		{GlobalAvgPool{}, data.Shape{7, 9, 3}, "3"},
		{Flatten{}, data.Shape{7, 9, 3}, "189"},
		{Residual{Seq{Conv{Out: 4, Stride: 2}}}, data.Shape{7, 9, 3}, "4×5×4"},
		{Residual{Seq{MaxPool{}}}, data.Shape{8, 8, 3}, "4×4×3"},
		{Residual{Seq{Dense{Out: 6}, ReLU{}}}, data.Shape{7, 9, 3}, "6"},
		{Seq{}, data.Shape{3}, "3"},
		{Dense{Out: 5, PerStep: true}, data.Shape{7, 3}, "7×5"},
		{Conv1D{Out: 8}, data.Shape{7, 3}, "7×8"},
		{Conv1D{Out: 8, Stride: 2, Causal: true}, data.Shape{7, 3}, "4×8"},
		{Conv1D{Out: 8, Kernel: 3, Dilation: 2, Valid: true}, data.Shape{7, 3}, "3×8"},
		{MaxPool{}, data.Shape{7, 3}, "3×3"},
		{GlobalMaxPool{}, data.Shape{7, 3}, "3"},
		{Embedding{Vocab: 9, Out: 4}, data.Shape{7}, "7×4"},
		{Positional{}, data.Shape{7, 3}, "7×3"},
		{Attention{Heads: 3}, data.Shape{7, 6}, "7×6"},
		{Transformer{Heads: 3}, data.Shape{7, 6}, "7×6"},
		{GRU{Out: 5}, data.Shape{7, 6}, "7×5"},
		{LastStep{}, data.Shape{7, 6}, "6"},
		{Reshape{To: data.Shape{6, 7}}, data.Shape{7, 6}, "6×7"},
		{Par{Branches: []Seq{{}, {Conv{Out: 4}}}}, data.Shape{7, 9, 3}, "7×9×4"},
		{Par{Branches: []Seq{{}, {Conv{Out: 4, Stride: 2}}}, Concat: true}, data.Shape{7, 9, 3}, "4×5×7"},
		{Par{Branches: []Seq{{Conv1D{Out: 4}}, {MaxPool{}}}}, data.Shape{8, 3}, "4×3"},
		{Par{Branches: []Seq{{GlobalAvgPool{}}, {Conv{Out: 4}}}}, data.Shape{7, 9, 3}, "3"},
		{SqueezeExcite{}, data.Shape{7, 9, 3}, "7×9×3"},
		{Upsample{}, data.Shape{7, 9, 3}, "14×18×3"},
		{Upsample{Height: 8, Width: 9}, data.Shape{7, 9, 3}, "8×9×3"},
		{FPN{Stages: []Seq{{Conv{Out: 4, Stride: 2}}, {MaxPool{}}}, Out: 6}, data.Shape{7, 9, 3}, "4×5×6"},
		{FPN{Stages: []Seq{{Conv{Out: 4, Stride: 2}}, {MaxPool{}}}, Out: 6, Pool: true}, data.Shape{7, 9, 3}, "12"},
	} {
		out, _, err := Measure(c.layer, c.in)
		if err != nil || out.String() != c.want {
			t.Errorf("%v of %v: got %v, %v, want %v", c.layer, c.in, out, err, c.want)
		}
	}
}

func TestShapeErrors(t *testing.T) {
	for _, c := range []struct {
		layer Layer
		in    data.Shape
		want  []string
	}{
		{Seq{Dense{Out: 8}, Conv{Out: 4}}, data.Shape{5, 5, 1}, []string{"layer 1", "Conv(4, 3×3)", "layer 0 Dense(8)", "gives 8"}},
		{Seq{ReLU{}, Residual{Seq{Conv{Out: 2, Kernel: 3, Valid: true}}}}, data.Shape{6, 6, 1}, []string{"layer 1", "Residual", "6×6×1", "4×4×2"}},
		{Seq{Conv{Out: 4, Groups: 3}}, data.Shape{5, 5, 4}, []string{"3 groups", "4 channels"}},
		{Seq{Dense{}}, data.Shape{3}, []string{"Dense(0)", "size 0"}},
		{Seq{nil}, data.Shape{3}, []string{"layer 0", "nil"}},
		{Seq{Dropout{P: 1}}, data.Shape{3}, []string{"Dropout(1)"}},
		{Seq{Dropout{P: math.NaN()}}, data.Shape{3}, []string{"Dropout(NaN)"}},
		{Seq{MaxPool{Size: 9}}, data.Shape{5, 5, 4}, []string{"MaxPool(9)", "5×5×4"}},
		{Seq{Conv{Out: 1, Kernel: -1}}, data.Shape{5, 5, 4}, []string{"kernel -1"}},
		{Seq{Dense{Out: 1}}, data.Shape{5, 0}, []string{"5×0"}},
		{Seq{Dense{Out: 1}}, data.Shape{math.MaxInt}, []string{"larger than"}},
		{nil, data.Shape{5}, []string{"no layers"}},
		{Seq{Dense{Out: 8}, Attention{}}, data.Shape{5, 5}, []string{"layer 1", "layer 0 Dense(8)", "Attention(1)", "steps×features"}},
		{Seq{Attention{Heads: 4}}, data.Shape{5, 6}, []string{"4 heads", "6 features", "5×6"}},
		{Seq{Transformer{Heads: 2, Dropout: 2}}, data.Shape{5, 6}, []string{"Transformer(heads 2)", "Dropout(2)"}},
		{Seq{Transformer{Activation: Dense{Out: 3}}}, data.Shape{5, 6}, []string{"Transformer", "the activation makes 6 of 5×6"}},
		{Seq{Embedding{Vocab: 3, Out: 4}}, data.Shape{5, 6}, []string{"Embedding(3, 4)", "tokens", "5×6"}},
		{Seq{Conv1D{Out: 4, Valid: true, Dilation: 4}}, data.Shape{5, 6}, []string{"Conv1D(4, 3, dilation 4, valid)", "9 steps", "5×6"}},
		{Seq{Conv1D{Out: 4, Valid: true, Causal: true}}, data.Shape{5, 6}, []string{"Valid", "Causal"}},
		{Seq{GRU{}}, data.Shape{5, 6}, []string{"GRU(0)"}},
		{Seq{Reshape{To: data.Shape{4}}}, data.Shape{5}, []string{"Reshape(4)", "5 values"}},
		{Seq{Par{}}, data.Shape{5}, []string{"no branches"}},
		{Seq{Par{Branches: []Seq{{Dense{Out: 3}}, {Dense{}}}}}, data.Shape{5}, []string{"branch 1", "Dense(0)"}},
		{Seq{Par{Branches: []Seq{{Conv{Out: 2}}, {Conv{Out: 2, Kernel: 3, Valid: true}}}}}, data.Shape{9, 9, 1}, []string{"branch 0", "9×9×2", "7×7×2"}},
		{Seq{GroupNorm{Groups: 3}}, data.Shape{4}, []string{"GroupNorm(3)", "4 channels"}},
		{Seq{FPN{Out: 3}}, data.Shape{9, 9, 1}, []string{"no stages"}},
		{Seq{FPN{Stages: []Seq{{Upsample{}}, {Upsample{}}}, Out: 3}}, data.Shape{9, 9, 1}, []string{"stage 1", "no smaller image"}},
		{Seq{LeakyReLU{Slope: -1}}, data.Shape{9}, []string{"LeakyReLU(-1)", "slope"}},
		{Seq{Clip{Low: 1, High: 1}}, data.Shape{9}, []string{"Clip(1, 1)", "lower bound"}},
		{Seq{HardSigmoid{Alpha: -1}}, data.Shape{9}, []string{"HardSigmoid(-1, 0)", "slope"}},
		{Seq{BatchNorm{Eps: -1}}, data.Shape{9}, []string{"BatchNorm(ε -1)", "outside [0, 1)"}},
		{Seq{ClassToken{}}, data.Shape{9}, []string{"ClassToken", "steps×features"}},
		{Seq{Conv{Out: 2, Valid: true, Pad: Pad{1, 1, 1, 1}}}, data.Shape{9, 9, 1}, []string{"Conv(2, 3×3, padding 1, valid)", "Pad is padding"}},
		{Seq{Conv{Out: 2, Dilation: 5, Pad: Pad{0, 0, 1, 1}}}, data.Shape{9, 9, 1}, []string{"dilation 5, padding 0 0 1 1", "larger than the image 9×9×1"}},
		{Seq{Conv1D{Out: 2, Causal: true, Before: 1}}, data.Shape{9, 1}, []string{"Causal", "another"}},
		{Seq{MaxPool{Size: 2, Pad: Pad{2, 0, 0, 0}}}, data.Shape{9, 9, 1}, []string{"MaxPool(2×2, stride 2, padding 2 0 0 0)", "not smaller"}},
		{Seq{MaxPool{Size: 2, Columns: Along{Size: 1}}}, data.Shape{9, 1}, []string{"no columns"}},
		{Seq{SqueezeExcite{Gate: Dense{Out: 2}}}, data.Shape{9, 3}, []string{"gate Dense(2)"}},
	} {
		_, _, err := Measure(c.layer, c.in)
		if err == nil {
			t.Errorf("%v of %v: no error", c.layer, c.in)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%v of %v: %q does not say %q", c.layer, c.in, err, w)
			}
		}
	}
}

// Costs too large for an int64 stop there.
func TestMeasureSaturates(t *testing.T) {
	_, c, err := Measure(Seq{Conv{Out: maxDim, Kernel: maxDim}}, data.Shape{maxDim, maxDim, maxDim})
	if err != nil || c.Params != math.MaxInt64 || c.MACs != math.MaxInt64 {
		t.Errorf("%+v, %v", c, err)
	}
	huge := data.Shape{maxDim, maxDim}
	for _, l := range []Layer{
		Attention{Heads: maxDim}, Transformer{}, GRU{Out: maxDim}, Positional{}, LayerNorm{}, GroupNorm{},
		Conv1D{Out: maxDim, Kernel: maxDim, Dilation: maxDim}, Conv1D{Out: maxDim, Stride: maxDim}, Dense{Out: maxDim, PerStep: true},
		SqueezeExcite{}, Par{Branches: []Seq{{}, {Dense{Out: maxDim}}}}, Residual{Seq{GRU{Out: maxDim}}},
	} {
		if _, _, err := Measure(l, huge); err != nil {
			t.Errorf("%v: %v", l, err)
		}
		if m, err := Footprint(l, huge, Config{Batch: maxDim}, TrainConfig{}); err != nil || m.Train != math.MaxInt64 {
			t.Errorf("%v: %+v, %v", l, m, err)
		}
	}
}
