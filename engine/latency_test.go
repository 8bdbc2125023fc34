package engine

import (
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
)

// More rows take longer, a row of many less than one alone, and a wider network longer
// than a narrow one.
func TestLatency(t *testing.T) {
	of := func(width, rows int) float64 {
		t.Helper()
		s, err := Latency(Seq{Dense{Out: width}, ReLU{}, Dense{Out: 10}}, data.Shape{64}, Config{}, rows, nil)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if one, many, wide := of(64, 1), of(64, 64), of(256, 64); !(one < many && many < 64*one && many < wide && one > 1e-8 && wide < 1e-3) {
		t.Errorf("1 row %v s, 64 rows %v s, four times as wide %v s", one, many, wide)
	}
	// A machine that was measured by an older version tells inference by training.
	old := BuiltIn()
	old.Infer, old.One = Work{}, Work{}
	if s, err := Latency(Seq{Dense{Out: 64}}, data.Shape{64}, Config{}, 64, old); err != nil || s < 64*64*64*2*old.Each.Products {
		t.Errorf("by training: %v, %v", s, err)
	}
	if _, err := Latency(Seq{Conv{Out: 3}}, data.Shape{5}, Config{}, 1, nil); err == nil {
		t.Error("a network that does not fit takes time")
	}
}

// Rows that fill no vectors are counted apart, and what an inference folds or computes along
// is not counted twice.
func TestInferenceWork(t *testing.T) {
	of := func(l Layer, in data.Shape, rows int) Work {
		t.Helper()
		w, err := InferenceWork(l, in, Config{}, rows)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	attention := func(steps, width int) Work { return of(Transformer{Heads: 2}, data.Shape{steps, width}, 4) }
	whole, ragged := attention(32, 32), attention(33, 34)
	if cpu, _ := kernel.CPU(); !strings.HasPrefix(cpu, "generic") && (whole.Norms != 0 || ragged.Exps != 4*2*33*33 || ragged.Norms != 2*4*33*34) {
		t.Errorf("rows of whole vectors %+v, of others %+v", whole, ragged)
	}
	plain := of(Seq{Conv{Out: 16}, ReLU{}}, data.Shape{8, 8, 3}, 64)
	normed := of(Seq{Conv{Out: 16, NoBias: true}, BatchNorm{}, ReLU{}}, data.Shape{8, 8, 3}, 64)
	if plain != normed {
		t.Errorf("a folded norm: %+v, without %+v", normed, plain)
	}
	pooled := of(Seq{Conv{Out: 16}, ReLU{}, MaxPool{}}, data.Shape{8, 8, 3}, 64)
	if pooled.Ops != plain.Ops || pooled.Bytes <= plain.Bytes-8*64*8*8*16 {
		t.Errorf("a pool that is computed along: %+v, without %+v", pooled, plain)
	}
	if one, two := of(Dense{Out: 8}, data.Shape{8}, 64), of(Dense{Out: 8}, data.Shape{8}, 128); two.Products != 2*one.Products || two.Passes != 2*one.Passes || one.Passes != 1 {
		t.Errorf("64 rows %+v, 128 rows %+v", one, two)
	}
}
