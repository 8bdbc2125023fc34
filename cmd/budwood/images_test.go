package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A folder of images is planned, searched, and asked about other images.
func TestImages(t *testing.T) {
	t.Parallel()
	dir, work := home(t), t.TempDir()
	if err := os.CopyFS(filepath.Join(work, "pictures"), os.DirFS("../../examples/digit-images/digits")); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(work, "pictures", "0", "0000.png"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(work, "s.yaml")
	for path, b := range map[string][]byte{
		file: []byte("name: pictures\ndata: {folder: pictures}\nobjective: {metric: valid_accuracy}\nbudget: {trials: 2, epochs: 6}\nspace: [{name: lr, float: [0.01, 0.03]}]\n"),
		filepath.Join(work, "pictures", "3", "broken.png"): whole[:40],
	} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, said, code := do(t, dir, "plan", file)
	for _, want := range []string{"240 PNG, 8×8 pixels, 1 channel, as all are gray", "10, each with 24 images: 0, 1, 2, 3, 4 and 5 more", "1 of 241 images cannot be read: 3/broken.png (it is cut off)"} {
		if code != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Fatalf("plan does not say %q: %d\n%s%s", want, code, out, said)
		}
	}
	out, said, code = do(t, dir, "run", file)
	if code != 0 || !strings.Contains(said, "images: left out: 1 of 241 images cannot be read: 3/broken.png") || !strings.Contains(out, "test    accuracy") {
		t.Fatalf("run: %d\n%s%s", code, out, said)
	}
	if err := os.Rename(filepath.Join(work, "pictures"), filepath.Join(work, "away")); err != nil { // the study has what it learned from
		t.Fatal(err)
	}
	out, said, code = do(t, dir, "predict", "pictures", filepath.Join(work, "away", "3"), "-o", "json")
	var got struct {
		Classes []string
		Rows    []struct {
			File, Class, Error string
			Probabilities      []float64
		}
	}
	if err := json.Unmarshal([]byte(out), &got); code != 0 || err != nil || len(got.Classes) != 10 || len(got.Rows) != 25 {
		t.Fatalf("predict: %d, %v\n%s%s", code, err, out, said)
	}
	right := 0
	for _, r := range got.Rows {
		if r.Class == "3" && len(r.Probabilities) == 10 {
			right++
		}
	}
	last := got.Rows[24]
	if right < 12 || last.File != "broken.png" || last.Error != "it is cut off" || !strings.Contains(said, "1 image of 25 left out") {
		t.Errorf("%d of 24 are right; the last is %+v: %s", right, last, said)
	}
	one := filepath.Join(work, "away", "0", "0000.png")
	if out, said, code = do(t, dir, "predict", "pictures", one, "-o", "csv"); code != 0 || !strings.HasPrefix(out, "FILE,CLASS,PROBABILITY,P(0),") || !strings.Contains(out, one) {
		t.Errorf("predict: %d\n%s%s", code, out, said)
	}
	if _, said, code = do(t, dir, "predict", "pictures", filepath.Join(work, "none")); code != 2 || !strings.Contains(said, "no such file or directory") {
		t.Errorf("a missing file: %d, %s", code, said)
	}
	if _, said, code = do(t, dir, "predict", "pictures", filepath.Join(work, "away", "3", "broken.png")); code != 1 || !strings.Contains(said, "the image cannot be read: it is cut off") {
		t.Errorf("a broken file: %d, %s", code, said)
	}
}
