package data

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// What a source is said to take before it is loaded covers what the data set holds
// then, and is not far beyond it; a cache with less room does not load it.
func TestEstimate(t *testing.T) {
	const n = 2000
	var csv strings.Builder
	csv.WriteString("a,b,c,y\n")
	for i := range n {
		fmt.Fprintf(&csv, "%d.5,%d,%d,%d\n", i%97, i*31%1009, i%7, i%2)
	}
	images, labels := stripes(200)
	x, y := make([]float32, n*10), make([]uint8, n)
	for i := range x {
		x[i] = float32(i * 7 % 11)
	}
	for i := range y {
		y[i] = uint8(i % 2)
	}
	pixels, classes := npy("<f4", "(2000, 5, 2)", x), npy("|u1", "(2000,)", y)
	for name, s := range map[string]Source{
		"csv":             {CSV: write(t, "a.csv", csv.String()), Target: "y"},
		"csv, packed":     {CSV: write(t, "a.csv.gz", packed(csv.String())), Target: "y"},
		"csv of 5 folds":  {CSV: write(t, "b.csv", csv.String()), Target: "y", Split: Split{CV: 5, Test: .2}},
		"parquet":         {Parquet: write(t, "a.parquet", parquetOf(t, bills(n))), Target: "label"},
		"idx":             {IDX: &IDX{Images: write(t, "i", images), Labels: write(t, "l", labels)}},
		"idx, packed":     {IDX: &IDX{Images: write(t, "i", packed(images)), Labels: write(t, "l", labels)}},
		"npy":             {NPY: &NPY{X: write(t, "x", npy("<f4", "(2000, 10)", x)), Y: write(t, "y", classes)}},
		"npy of images":   {NPY: &NPY{X: write(t, "x", pixels), Y: write(t, "y", classes)}},
		"npy with a test": {NPY: &NPY{X: write(t, "x", pixels), Y: write(t, "y", classes), TestX: write(t, "tx", pixels), TestY: write(t, "ty", classes)}},
		"npy, packed":     {NPY: &NPY{X: write(t, "x", packed(pixels)), Y: write(t, "y", classes)}},
		"text":            {Text: &Text{File: write(t, "t.txt", strings.Repeat("a line of text\n", n))}},
	} {
		about, is := Estimate(t.Context(), s), load(t, s).Bytes()
		if is == 0 || about < is*3/4 || about > 6*is {
			t.Errorf("%s: %d bytes estimated, the data set takes %d", name, about, is)
		}
		_, err := (&Cache{Max: about - 1}).Load(t.Context(), s)
		var bad *Error
		if !errors.As(err, &bad) || bad.Key == "" || !strings.Contains(err.Error(), "loading it takes about") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := (&Cache{Max: about}).Load(t.Context(), s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file of which nothing can be told is left to whoever reads it.
func TestEstimateOfNoData(t *testing.T) {
	for name, text := range map[string]string{"empty": "", "one line": "a,b", "packed and cut": packed("a,b\n1,2\n")[:12], "npy": "\x93NUMPY\x01\x00", "parquet": "PAR1PAR1"} {
		at := write(t, "f", text)
		for _, s := range []Source{{CSV: at}, {Parquet: at}, {IDX: &IDX{Images: at, Labels: at}}, {NPY: &NPY{X: at, Y: at}}, {Text: &Text{File: at}}, {CSV: at + "none"}} {
			if n := Estimate(t.Context(), s); n < 0 || n > 1<<10 {
				t.Errorf("%s: %d bytes for %+v", name, n, s)
			}
		}
	}
}

// Data sets that nobody asked for lately make room for others.
func TestCacheKeepsWhatFits(t *testing.T) {
	var csv strings.Builder
	csv.WriteString("a,b,c,y\n")
	for i := range 200 {
		fmt.Fprintf(&csv, "%d.5,%d,%d,%d\n", i%97, i*31%1009, i%7, i%2)
	}
	c := &Cache{}
	one := Source{CSV: write(t, "a.csv", csv.String()), Target: "y"}
	d, err := c.Load(t.Context(), one)
	if err != nil {
		t.Fatal(err)
	}
	c.Max = 10 * d.Bytes() // a quarter of it are two
	for seed := range uint64(4) {
		s := one
		s.Split.Seed = seed + 1
		if _, err := c.Load(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.entries) != 2 {
		t.Errorf("%d data sets are kept, want 2", len(c.entries))
	}
}
