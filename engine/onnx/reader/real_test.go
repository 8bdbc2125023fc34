package reader

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// Models that others made, by torchvision, PaddleOCR and openWakeWord, predict what
// onnxruntime and PyTorch do, within 1e-4 of the largest output. The environment variable
// MODELS names the folder that ../testdata/fetch.sh has filled; without it the test skips.
func TestModels(t *testing.T) {
	folder := os.Getenv("MODELS")
	if folder == "" {
		t.Skip("needs MODELS=FOLDER after engine/onnx/testdata/fetch.sh FOLDER")
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no models in %s: %v", folder, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file, ".onnx")
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		in, x := array(t, name+".x.npy")
		_, want := array(t, name+".y.npy")
		m, err := Read(src, Options{In: in[1:]})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		n, err := m.Compile(engine.Config{Batch: in[0]})
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		y := make([]float32, in[0]*n.Out().Size())
		if err := n.Predict(m.Rows(x), y); err != nil {
			t.Fatal(err)
		}
		y = m.Outputs(y)
		if len(y) != len(want) {
			t.Errorf("%s: %d numbers, want %d", filepath.Base(file), len(y), len(want))
			continue
		}
		var most, worst float64
		for i, w := range want {
			most, worst = max(most, math.Abs(float64(w))), max(worst, math.Abs(float64(w-y[i])))
		}
		if !(worst <= 1e-4*most) {
			t.Errorf("%s: off by %g of %g", filepath.Base(file), worst, most)
		}
		t.Logf("%s: opset %d, %d parameters, off by %.2g of %.4g, relative %.2g", filepath.Base(file), m.Opset, len(n.Params()), worst, most, worst/most)
	}
}

func array(t *testing.T, file string) (data.Shape, []float32) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dims, values, err := data.ReadNPY(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return dims, values
}
