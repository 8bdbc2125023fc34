package onnx

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"budwood/engine"
	"budwood/engine/onnx/reader"
)

// What is written and read again predicts the same.
func TestThereAndBack(t *testing.T) {
	for _, m := range models {
		n, x := compiled(t, m.layer, m.in)
		var b bytes.Buffer
		if err := Write(&b, n, Options{}); err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		back, err := reader.Read(b.Bytes(), reader.Options{})
		if m.name == "pooled pyramid" { // its levels are read by each other and by the end
			if err == nil || !strings.Contains(err.Error(), "not nested") {
				t.Errorf("%s: %v", m.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		again, err := back.Compile(engine.Config{Batch: 4})
		if err != nil {
			t.Errorf("%s: %v of %v: %v", m.name, back.Layer, back.In, err)
			continue
		}
		want, got := make([]float32, rows*n.Out().Size()), make([]float32, rows*again.Out().Size())
		if len(want) != len(got) {
			t.Errorf("%s: %v gives %v, want %v", m.name, back.Layer, again.Out(), n.Out())
			continue
		}
		if err := n.Predict(x, want); err != nil {
			t.Fatal(err)
		}
		if err := again.Predict(back.Rows(x), got); err != nil {
			t.Fatal(err)
		}
		got = back.Outputs(got)
		var most, worst float64
		for i, w := range want {
			most = max(most, math.Abs(float64(w)))
			worst = max(worst, math.Abs(float64(w-got[i])))
		}
		if !(worst <= 1e-6*most) {
			t.Errorf("%s: off by %g of %g; read as %v", m.name, worst, most, back.Layer)
		}
	}
}
