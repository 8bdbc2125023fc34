package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/onnx"
)

// A network that was written is read, printed and compared.
func TestImport(t *testing.T) {
	dir, w := home(t), t.TempDir()
	n, err := engine.Compile(engine.Seq{engine.Conv{Out: 4}, engine.ReLU{}, engine.Conv{Out: 4}, engine.GlobalAvgPool{}, engine.Dense{Out: 2}}, data.Shape{5, 4, 3}, engine.Config{Seed: 3, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(w, "net.onnx")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnx.Write(f, n, onnx.Options{}); err != nil {
		t.Fatal(err)
	}
	f.Close()
	x, y := make([]float32, 2*60), make([]float32, 4)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	if err := n.Predict(x, y); err != nil {
		t.Fatal(err)
	}
	xs, ys := save(t, w, "x.npy", "2, 5, 4, 3", x), save(t, w, "y.npy", "2, 2", y)
	out, stderr, code := do(t, dir, "import", file, "--check", xs, ys)
	for _, want := range []string{"0  Conv(4, 3×3)", "input    5×4×3\n", "output   2\n", "opset 17, by budwood", "its 2 convolutions have no batch norm", "check    2 rows: largest difference"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	y[1] += 1
	save(t, w, "y.npy", "2, 2", y)
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{file, "--check", xs, ys}, 1, "differs from y.npy"},
		{[]string{file, "--check", xs}, 2, "two files"},
		{[]string{file, "--check", ys, ys}, 2, "given for it has 1"},
		{[]string{filepath.Join(w, "none.onnx")}, 2, "no such file"},
		{[]string{file, "--input", "3x"}, 2, "given for it has 1"},
		{[]string{save(t, w, "a.pth", "1", nil)}, 2, "save_file"},
		{[]string{save(t, w, "a.safetensors", "1", nil)}, 2, "one of mobilenet_v2"},
		{[]string{xs}, 2, ".onnx or .safetensors"},
	} {
		stdout, stderr, code := do(t, dir, append([]string{"import"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%v: exit code %d, %q, want %d and %q", c.args, code, stderr, c.code, c.want)
		}
	}
}

// save writes an array as numpy does.
func save(t *testing.T, dir, name, shape string, values []float32) string {
	t.Helper()
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,), }\n", shape)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), byte(len(head)>>8))
	b = append(b, head...)
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
