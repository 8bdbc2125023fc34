package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// A study that says so is followed by the compression of its best network, whose table fits
// a terminal; the command does the same with other methods, and exports what it chose.
func TestCompress(t *testing.T) {
	dir := t.TempDir()
	b, err := os.ReadFile("../../examples/digits/study.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(b), "digits.csv.gz", absolute(t, "../../examples/digits/digits.csv.gz")) +
		"\ncompress: {target: {size: 3x}, max_drop: 20%, methods: [prune, int8], fine_tune: {epochs: 1}, budget: {trials: 4}}\n"
	file := filepath.Join(dir, "digits.yaml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, progress, code := do(t, dir, "run", file, "--trials", "1", "--epochs", "1", "--allow-outside")
	if code != exitDone {
		t.Fatalf("exit code %d: %s%s", code, out, progress)
	}
	wantLine(t, out, "then    study digits-c makes its best network smaller")
	wantLine(t, out, "▸ t0001", "int8")
	wantLine(t, out, "chosen  t0001: int8")
	wantLine(t, out, "speed   measured by turns, rows at once 64")
	_, after, _ := strings.Cut(out, "  PLAN")
	rows, _, _ := strings.Cut(after, "TIME    measured")
	for line := range strings.Lines(rows) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d characters: %s", n, line)
		}
	}
	file = filepath.Join(dir, "c.onnx")
	out, progress, _ = do(t, dir, "export", "digits-c", "-f", file)
	wantLine(t, out, "int8: ", "compute in integers")
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), "QuantizeLinear") {
		t.Errorf("export: %d bytes, %v; %s", len(b), err, progress)
	}
	if _, progress, code = do(t, dir, "export", "digits-c", "-f", file, "--dtype", "f16"); code != exitUsage {
		t.Errorf("export in float16: exit code %d: %s", code, progress)
	}
	out, progress, code = do(t, dir, "compress", "digits", "--name", "cut", "--target", "macs=50x", "--methods", "prune", "--trial", "0", "--trials", "3", "--epochs", "1")
	if code != exitFailed {
		t.Errorf("nothing fits: exit code %d: %s%s", code, out, progress)
	}
	wantLine(t, progress, "nothing fits")
	if _, progress, code = do(t, dir, "compress", "digits", "--methods", "cut"); code != exitUsage {
		t.Errorf("a method that is none: exit code %d: %s", code, progress)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}
