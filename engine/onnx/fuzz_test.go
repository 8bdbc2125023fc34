package onnx

import (
	"bytes"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx/reader"
)

// Whatever a file holds, the reader gives a network that compiles with the file's weights,
// or an error of one line.
func FuzzRead(f *testing.F) {
	for _, m := range models {
		n, err := engine.Compile(m.layer, m.in, engine.Config{Batch: 1})
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if err := Write(&b, n, Options{}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := reader.Read(src, reader.Options{In: data.Shape{3}})
		if err != nil {
			if m, err = reader.Read(src, reader.Options{}); err != nil {
				if err.Error() == "" || strings.ContainsAny(err.Error(), "\n") && !strings.Contains(string(src), "\n") {
					t.Fatalf("%q", err)
				}
				return
			}
		}
		_, c, err := engine.Measure(m.Layer, m.In)
		if err != nil {
			t.Fatalf("%v of %v: %v", m.Layer, m.In, err)
		}
		if c.Params > int64(len(src)) {
			t.Fatalf("%d parameters from %d bytes: %v", c.Params, len(src), m.Layer)
		}
		if c.Activations > 1<<20 {
			return
		}
		n, err := m.Compile(engine.Config{Batch: 2})
		if err != nil {
			t.Fatalf("%v of %v: %v", m.Layer, m.In, err)
		}
		y := make([]float32, 2*n.Out().Size())
		if err := n.Predict(m.Rows(make([]float32, 2*m.In.Size())), y); err != nil {
			t.Fatal(err)
		}
		m.Outputs(y)
	})
}
