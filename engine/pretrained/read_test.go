package pretrained

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

// Networks with torchvision's and timm's names predict what PyTorch does. See
// ../onnx/testdata/fetch.sh.
func TestNames(t *testing.T) {
	folder := os.Getenv("MODELS")
	if folder == "" {
		t.Skip("needs MODELS=FOLDER after engine/onnx/testdata/fetch.sh FOLDER")
	}
	for _, c := range [][2]string{
		{"resnet18", "resnet18"}, {"resnet34", "resnet34"}, {"resnet50", "resnet50"}, {"mobilenet_v2", "mobilenet_v2"}, {"mobilenet_v3_small", "mobilenet_v3_small"},
		{"mobilenet_v3_large", "mobilenet_v3_large"}, {"vit", "vit_4heads"}, {"timm_vit", "vit_3heads"},
	} {
		file := filepath.Join(folder, c[0])
		b, err := os.ReadFile(file + ".safetensors")
		if err != nil {
			t.Fatal(err)
		}
		dims, x := array(t, file+".x.npy")
		_, want := array(t, file+".y.npy")
		m, err := Read(file+".safetensors", bytes.NewReader(b), Options{Network: c[1], In: data.Shape{dims[2], dims[3], dims[1]}})
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		n, err := m.Compile(engine.Config{Batch: dims[0]})
		if err != nil {
			t.Errorf("%s: %v", c[0], err)
			continue
		}
		y := make([]float32, len(want))
		if err := n.Predict(m.Rows(x), y); err != nil {
			t.Fatal(err)
		}
		var most, worst float64
		for i, w := range want {
			most, worst = max(most, math.Abs(float64(w))), max(worst, math.Abs(float64(w-y[i])))
		}
		if !(worst <= 1e-4*most) {
			t.Errorf("%s: off by %g of %g", c[0], worst, most)
		}
		t.Logf("%s: %d parameters, relative %.2g", c[0], len(n.Params()), worst/most)
		if c[0] == "vit" {
			for network, want := range map[string]string{"resnet18": "tensor conv1.weight is missing", "vit_3heads": "3 heads divide", "alexnet": `"alexnet" is none of mobilenet_v2`, "": "say its architecture"} {
				if _, err := Read(file+".safetensors", bytes.NewReader(b), Options{Network: network}); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v", network, err)
				}
			}
		}
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
