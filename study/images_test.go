package study_test

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/blob"
)

// shades writes n images of each of two classes: dark and light ones.
func shades(t *testing.T, dir string, n int) {
	t.Helper()
	for class, shade := range map[string]uint8{"dark": 40, "light": 200} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			m := image.NewGray(image.Rect(0, 0, 3, 2))
			for k := range m.Pix {
				m.Pix[k] = shade + uint8(7*i+k)%40
			}
			m.SetGray(0, 0, color.Gray{Y: uint8(i)})
			f, err := os.Create(filepath.Join(dir, class, string(rune('a'+i))+".png"))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, m); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A study of a folder goes on, and predicts, when the folder is gone.
func TestStudyOfImages(t *testing.T) {
	dir := t.TempDir()
	shades(t, filepath.Join(dir, "shades"), 20)
	file := filepath.Join(dir, "s.yaml")
	text := "name: shades\ndata: {folder: shades, resize: {to: [4, 4], pad: 1}}\nobjective: {metric: valid_accuracy}\nbudget: {trials: 2, epochs: 3}\nspace: [{name: lr, float: [0.01, 0.1], log: true}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	spec, d, err := study.Load(t.Context(), file, &data.Cache{}, study.FileOptions{})
	if err != nil || !d.Train.Shape.Equal(data.Shape{4, 4, 1}) || spec.Data.Resize.Pad != 2 {
		t.Fatalf("%+v, %v", spec, err)
	}
	b := studytest.New(t, nil)
	if err := spec.KeepData(t.Context(), b.Recorder.Files); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(spec.Data.Folder); err != nil {
		t.Fatal(err)
	}
	cache := &data.Cache{Files: b.Recorder.Files}
	again, err := cache.Load(t.Context(), *spec.Data)
	if err != nil || again.Train.Len() != d.Train.Len() || strings.Join(again.ClassNames, " ") != "dark light" {
		t.Fatalf("%v, %v", again, err)
	}
	// What is kept is one file.
	if list, err := b.Recorder.Files.Blobs.List(t.Context(), blob.DataKey); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	// Images that come later.
	shades(t, filepath.Join(dir, "later"), 3)
	if err := os.WriteFile(filepath.Join(dir, "later", "dark", "broken.png"), []byte("\x89PNG\r\n\x1a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, fresh, err := cache.LoadWithImages(t.Context(), *spec.Data, filepath.Join(dir, "later"))
	if err != nil || fresh.Set.Len() != 6 || strings.Join(fresh.Files, " ") != "dark/a.png dark/b.png dark/c.png light/a.png light/b.png light/c.png" {
		t.Fatalf("%+v, %v", fresh, err)
	}
	if l := fresh.Images.Left; len(l) != 1 || l[0].File != "dark/broken.png" {
		t.Error(l)
	}
	x, y := make([]float32, 16), make([]float32, 16)
	fresh.Set.Read(x, 5) // the third light image, which was one of the 40, too
	n := again.Preparation.Pixels
	for _, v := range x[:4] { // the border
		if v != float32(-n.Mean*n.Scale) {
			t.Errorf("the border is %v, not black", v)
		}
	}
	found := false
	for _, set := range []*data.Set{again.Train, again.Valid, again.Test} {
		for row := range set.Len() {
			set.Read(y, row)
			found = found || slices.Equal(x, y)
		}
	}
	if !found {
		t.Error("an image is read otherwise when it comes later")
	}
}

func TestImagesOutside(t *testing.T) {
	dir := t.TempDir()
	shades(t, filepath.Join(dir, "shades"), 5)
	if err := os.Mkdir(filepath.Join(dir, "study"), 0o755); err != nil {
		t.Fatal(err)
	}
	table := "file,class\n"
	for _, class := range []string{"dark", "light"} {
		for _, name := range "abcde" {
			table += "../shades/" + class + "/" + string(name) + ".png," + class + "\n"
		}
	}
	file := filepath.Join(dir, "study", "s.yaml")
	for name, text := range map[string]string{
		"t.csv":  table,
		"s.yaml": "name: shades\ndata: {csv: t.csv, files: file, target: class}\nobjective: {metric: valid_accuracy}\nspace: [{name: lr, float: [0.01, 0.1], log: true}]\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, "study", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := study.Load(t.Context(), file, &data.Cache{}, study.FileOptions{})
	if err == nil || !strings.Contains(err.Error(), `"../shades/dark/a.png" is outside the table's directory: move the images there, or allow it with --allow-outside`) {
		t.Error(err)
	}
	if _, d, err := study.Load(t.Context(), file, &data.Cache{}, study.FileOptions{Outside: true}); err != nil || d.Images.Count != 10 {
		t.Error(d, err)
	}
}

func TestImageSettings(t *testing.T) {
	dir := t.TempDir()
	shades(t, filepath.Join(dir, "shades"), 5)
	for settings, want := range map[string]string{
		"folder: shades, resize: {to: [4, 4], pad: yes}":   "expected true, or the pixels of a border, such as 4",
		"folder: shades, resize: {to: 4}":                  "expected a list [a, b, …], found 4",
		"folder: shades, resize: {to: [4, 4], pad}":        "pad has no value: write one, or leave the key out",
		"folder: shades, target: x":                        "data.target: leave it out; the folders are the classes",
		"folder: ../shades":                                "../shades is outside the study file's directory",
		"folder: shade":                                    "no such file or directory",
		"folder: shades, csv: t.csv":                       "give only one of csv, parquet, folder, idx, npy and text",
		"folder: shades, split: {valid: .5, test: .5}":     "valid 0.5 and test 0.5 leave nothing for training",
		"folder: shades, image: [2, 3, 1]":                 "image files say how large they are",
		"folder: shades, resize: {to: [4, 4], crop: true}": "",
		"folder: shades, resize: {to: [4, 4], pad: true}":  "",
		"folder: shades, split: {cv: 2}":                   "",
	} {
		file := filepath.Join(dir, "s.yaml")
		text := "name: shades\ndata: {" + settings + "}\nobjective: {metric: valid_accuracy}\nspace: [{name: lr, float: [0.01, 0.1], log: true}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, err := study.Load(t.Context(), file, &data.Cache{}, study.FileOptions{})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", settings, err, want)
		}
	}
}
