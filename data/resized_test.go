package data

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// Images in columns and in files become the same at another size, up to the rounding of
// files to whole numbers.
func TestResizedColumns(t *testing.T) {
	files, table := map[string][]byte{}, "a,b,c,d,e,f,y\n"
	for i := range 20 {
		class := string(rune('p' + i%2))
		px := []byte{byte(8 * i), byte(3 * i), 0, 8, byte(200 - 2*i), 16}
		files[fmt.Sprintf("%s/%02d.png", class, i)] = asPNG(t, grays(3, px...))
		table += strings.Trim(strings.ReplaceAll(fmt.Sprint(px), " ", ","), "[]") + "," + class + "\n"
	}
	for _, r := range []*Resize{{To: []int{4, 6}}, {To: []int{8, 10}, Pad: 2}, {To: []int{2, 2}, Crop: true}} {
		columns := Source{CSV: write(t, "t.csv", table), Target: "y", Image: Shape{2, 3, 1}, Resize: r}
		a, err := Load(t.Context(), columns)
		if err != nil {
			t.Fatal(err)
		}
		b, err := Load(t.Context(), Source{Folder: folder(t, files), Resize: r})
		if err != nil {
			t.Fatal(err)
		}
		if !a.Train.Shape.Equal(b.Train.Shape) || a.Features != b.Features || !a.Preparation.Raw().Equal(b.Train.Shape) {
			t.Fatalf("%v, %v", a.Train.Shape, b.Train.Shape)
		}
		raw := func(d *Data) map[string]int { // images as whole numbers
			out := map[string]int{}
			p, x := d.Preparation.Pixels, make([]float32, d.Features)
			for _, set := range []*Set{d.Train, d.Valid, d.Test} {
				for i := range set.Len() {
					set.Read(x, i)
					var px []int
					for _, v := range x {
						px = append(px, int(math.Floor(float64(v)/p.Scale+p.Mean+.5+1e-4)))
					}
					out[fmt.Sprint(px, set.Class[i])]++
				}
			}
			return out
		}
		x, y := raw(a), raw(b)
		for image := range x {
			if x[image] != y[image] {
				t.Errorf("%v: %s is not among the files", r, image)
			}
		}
		// Rows that come later are brought to the size, too.
		_, fresh, err := LoadWith(t.Context(), columns, columns.CSV)
		if err != nil || !fresh.Shape.Equal(a.Train.Shape) {
			t.Errorf("%v, %v", fresh, err)
		}
	}
	for want, s := range map[string]Source{
		"belongs to images: folder": {CSV: "t.csv", Target: "y", Resize: &Resize{To: []int{2, 2}}},
		"is no size":                {CSV: "t.csv", Target: "y", Image: Shape{2, 3, 1}, Resize: &Resize{}},
		"rows of 2 are no images":   {NPY: &NPY{X: write(t, "x.npy", npy("<f4", "(20, 2)", make([]float32, 40))), Y: write(t, "y.npy", npy("<f4", "(20,)", numbers(20)))}, Resize: &Resize{To: []int{2, 2}}},
	} {
		if _, err := Load(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	idx := Source{IDX: &IDX{Images: filepath.Join("testdata", "none")}, Resize: &Resize{To: []int{2, 2}}}
	if err := idx.Validate(); err == nil || strings.Contains(err.Error(), "resize") {
		t.Error(err)
	}
}

// numbers are 0, 1, 0, 1 and so on.
func numbers(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = float32(i % 2)
	}
	return out
}
