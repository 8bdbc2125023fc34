package nas

import (
	"errors"
	"testing"

	"budwood/data"
)

func TestNetwork(t *testing.T) {
	for text, want := range map[string]string{
		"[]": "[Dense(3)]",
		"[conv(16) batchnorm relu maxpool depthwise(5) conv(0,1) globalpool dropout(0.1)]": "[Conv(16, 3×3), BatchNorm, ReLU, MaxPool(2), " +
			"Conv(16, 5×5, groups 16), Conv(16, 1×1), GlobalAvgPool, Dropout(0.1), Dense(3)]",
		"[skip maxpool(1) dropout(0) {0:tanh}]": "[Tanh, Dense(3)]",
		"(skip + [conv(8) relu])":               "[Residual[Conv(8, 3×3), ReLU], Dense(3)]",
		"([conv(8) relu] + skip)":               "[Residual[Conv(8, 3×3), ReLU], Dense(3)]",
		"(skip + skip)":                         "[Residual[], Dense(3)]",
		"(relu + tanh + skip)":                  "[Par(add)[[ReLU] | [Tanh] | []], Dense(3)]",
		"(& relu [conv(8) tanh] none)":          "[Par(concat)[[ReLU] | [Conv(8, 3×3), Tanh]], Dense(3)]",
		"<relu skip skip>":                      "[Cell(3)[0→1 [ReLU] | 0→2 [] | 1→2 []], Dense(3)]",
		"<relu none tanh>":                      "[ReLU, Tanh, Dense(3)]",
		"<relu relu none>":                      "[ReLU, Dense(3)]",
		"[conv(6) attention(4)]":                "[Conv(6, 3×3), Reshape(64×6), Attention(3), Reshape(8×8×6), Dense(3)]",
		"[steps transformer(2) last]":           "[Reshape(64×2), Transformer(heads 2), LastStep, Dense(3)]",
		"[dense(4) dense(0)]":                   "[Dense(4), Dense(4), Dense(3)]",
		"(none + skip)":                         "[Dense(3)]",
		"(none + relu)":                         "[ReLU, Dense(3)]",
		"(skip + [relu none])":                  "[Dense(3)]",
	} {
		net, err := genome(t, text).Network(data.Shape{8, 8, 2}, 3)
		if err != nil || net.String() != want {
			t.Errorf("%s:\n got %v, %v\nwant %s", text, net, err, want)
		}
	}
	for text, want := range map[string]string{
		"[relu none]":                 "network relu none: nothing reaches the output",
		"(none + none)":               "network (none + none): nothing reaches the output",
		"[maxpool maxpool(5)]":        "network pool | pool5: MaxPool(5): the window is larger than the input 4×4×2",
		"[dense(4) (skip + conv(2))]": "network dense 4 | (skip + conv2·3): Conv(2, 3×3): needs height×width×channels, got 4",
	} {
		_, err := genome(t, text).Network(data.Shape{8, 8, 2}, 3)
		if err == nil || err.Error() != want {
			t.Errorf("%s:\n got %v\nwant %s", text, err, want)
		}
	}
	if _, err := genome(t, "none").Network(data.Shape{1}, 1); !errors.Is(err, ErrDead) {
		t.Error(err)
	}
	for _, in := range []data.Shape{nil, {0}} {
		if _, err := genome(t, "relu").Network(in, 1); err == nil {
			t.Errorf("a network for input %v", in)
		}
	}
	if _, err := genome(t, "relu").Network(data.Shape{4}, 0); err == nil {
		t.Error("a network without outputs")
	}
}

func TestCrossAndMutateRefuseForeignGenomes(t *testing.T) {
	s, err := New(Grammar{Root: OneOf{Op{Name: "relu"}, Op{Name: "tanh"}}}, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	own, foreign := s.Smallest(), genome(t, "gelu")
	if _, err := s.Cross(nil, own, foreign); err == nil {
		t.Error("crossed with a foreign genome")
	}
	if _, err := s.Cross(nil, foreign, own); err == nil {
		t.Error("crossed a foreign genome")
	}
	if _, err := s.Mutate(nil, foreign); err == nil {
		t.Error("mutated a foreign genome")
	}
}
