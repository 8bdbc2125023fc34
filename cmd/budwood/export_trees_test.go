package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"budwood/trees"
)

// A study of trees is run, tested, predicts and is exported as one of networks.
func TestTreesOfAFile(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a study")
	}
	dir, work := home(t), t.TempDir()
	rows := "a,town,y\n"
	for i := range 120 {
		rows += fmt.Sprintf("%d,%s,%d\n", i*37%100, []string{"Ulm", "Bonn", "Kiel"}[i%3], i*37%100/30*(i%3)*100+i%7)
	}
	study := "name: steps\ndata: {csv: t.csv, target: y, task: regression, split: {cv: 2}}\ntrain: {learner: boosting, min_child: 1}\n" +
		"space: [{name: rate, float: [0.1, 0.3]}, {name: depth, int: [2, 5]}]\nbudget: {trials: 3, epochs: 3}\nsearch: {warm_start: 'off'}\n"
	for name, text := range map[string]string{"t.csv": rows, "study.yaml": study} {
		if err := os.WriteFile(filepath.Join(work, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, errs, code := do(t, dir, "run", filepath.Join(work, "study.yaml"))
	if code != exitDone || !strings.Contains(out, "test    loss ") {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	if out, errs, code = do(t, dir, "predict", "steps", filepath.Join(work, "t.csv"), "-o", "csv"); code != exitDone || strings.Count(out, "\n") != 121 {
		t.Errorf("predict: exit code %d\n%s%s", code, out, errs)
	}
	model, file := filepath.Join(work, "m.onnx"), filepath.Join(work, "m.trees")
	if out, errs, code = do(t, dir, "export", "steps", "-f", model); code != exitDone || !strings.Contains(out, "of steps, boosting, valid_loss ") {
		t.Errorf("export: exit code %d\n%s%s", code, out, errs)
	}
	if b, err := os.ReadFile(model); err != nil || !strings.Contains(string(b), "TreeEnsembleRegressor") {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	if _, errs, code = do(t, dir, "export", "steps", "-f", file); code != exitDone {
		t.Errorf("export: exit code %d\n%s", code, errs)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := trees.Load(f); err != nil || len(m.Columns) != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range [][]string{{"--dtype", "int8"}, {"-f", filepath.Join(work, "m.safetensors")}} {
		if _, errs, code := do(t, dir, append([]string{"export", "steps"}, bad...)...); code != exitUsage || strings.Count(errs, "\n") != 1 {
			t.Errorf("%v: exit code %d\n%s", bad, code, errs)
		}
	}
	if _, errs, code := do(t, dir, "compress", "steps", "--target", "size=2x"); code == exitDone || !strings.Contains(errs, "only networks are made smaller") {
		t.Errorf("compress: exit code %d\n%s", code, errs)
	}
}
