package data

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Images of arrays become what the same numbers in the columns of a table become,
// bit for bit.
func TestImagesOfArraysAreThoseOfColumns(t *testing.T) {
	const n, side = 30, 4
	x, y := make([]float32, n*side*side), make([]uint8, n)
	var csv strings.Builder
	for j := range side * side {
		fmt.Fprintf(&csv, "p%d,", j)
	}
	csv.WriteString("y\n")
	for i := range n {
		y[i] = uint8(i % 3)
		for j := range side * side {
			v := float32((i*31+j*17)%23)/7 - 1
			text := fmt.Sprint(v)
			if (i+j)%11 == 0 {
				v, text = float32(math.NaN()), ""
			}
			x[i*side*side+j] = v
			csv.WriteString(text + ",")
		}
		fmt.Fprintln(&csv, y[i])
	}
	split := Split{Seed: 3}
	want := load(t, Source{CSV: write(t, "t.csv", csv.String()), Target: "y", Image: []int{side, side, 1}, Split: split})
	for shape, image := range map[string][]int{"(30, 4, 4)": nil, "(30, 4, 4, 1)": nil, "(30, 16)": {4, 4, 1}} {
		got := load(t, Source{NPY: &NPY{X: write(t, "x", npy("<f4", shape, x)), Y: write(t, "y", npy("|u1", "(30,)", y))}, Image: image, Split: split})
		if math.Abs(got.Preparation.Pixels.Mean-want.Preparation.Pixels.Mean) > 1e-7 { // the table has the decimal numbers, the array those of float32
			t.Errorf("%s: mean %v, want %v", shape, got.Preparation.Pixels.Mean, want.Preparation.Pixels.Mean)
		}
		for i, part := range [][2][]float32{{got.Train.X, want.Train.X}, {got.Valid.X, want.Valid.X}, {got.Test.X, want.Test.X}} {
			for k := range part[0] {
				if math.Abs(float64(part[0][k]-part[1][k])) > 1e-5 {
					t.Fatalf("%s: part %d: value %d is %v, want %v", shape, i, k, part[0][k], part[1][k])
				}
			}
			if len(part[0]) != len(part[1]) {
				t.Errorf("%s: part %d has %d values, want %d", shape, i, len(part[0]), len(part[1]))
			}
		}
		if !slices.Equal(got.Train.Class, want.Train.Class) || !got.Train.Shape.Equal(want.Train.Shape) || got.Train.Shape.Size() != 16 {
			t.Errorf("%s: rows of %v with classes %v", shape, got.Train.Shape, got.Train.Class)
		}
		g, w := got.Facts, want.Facts
		g.Skewness, g.Kurtosis, w.Skewness, w.Kurtosis = 0, 0, 0, 0 // of slightly other numbers
		if diff := cmp.Diff(w, g); diff != "" {
			t.Errorf("%s: (-columns +images) %s", shape, diff)
		}
	}
}

// Loading images takes a number of objects that does not grow with them, and no
// more memory than a few copies of them: plan loads them, too.
func TestLargeImagesAreCheap(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	const n, side = 24, 512
	x, y := make([]uint8, n*side*side), make([]uint8, n)
	for i := range x {
		x[i] = uint8(i * 7 >> 3)
	}
	for i := range y {
		y[i] = uint8(i % 2)
	}
	s := Source{NPY: &NPY{X: write(t, "x", npy("|u1", "(24, 512, 512)", x)), Y: write(t, "y", npy("|u1", "(24,)", y))}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	load(t, s)
	runtime.ReadMemStats(&after)
	if objects := after.Mallocs - before.Mallocs; objects > 5000 {
		t.Errorf("%d objects for %d images", objects, n)
	}
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 16*uint64(len(x)) {
		t.Errorf("%d bytes for %d values", bytes, len(x))
	}
}
