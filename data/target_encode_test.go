package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// coded fits a target encoding to the first train rows of a table whose last
// column is the target, and returns the raw means of the first column.
func coded(t *testing.T, s string, e TargetEncode, train int) (*targetCoder, *column, *encoder) {
	t.Helper()
	table, err := text(s)
	if err != nil {
		t.Fatal(err)
	}
	n := len(table.columns) - 1
	g, bad := newGoal(table.columns[n], table.rows, "")
	if bad != nil {
		t.Fatal(bad)
	}
	coder, bad := e.coder(table.columns[:n], g, count(train), nil, table.rows)
	if bad != nil {
		t.Fatal(bad)
	}
	enc, err := fit(table.columns[:n], count(train), nil, Standard, coder)
	if err != nil {
		t.Fatal(err)
	}
	return coder, table.columns[0], enc
}

// Worked out by hand: 6 training rows, two folds of rows 0 2 5 and 1 3 4 (by
// class, then in turn), smoothing 1.
func TestTargetEncoding(t *testing.T) {
	coder, c, enc := coded(t, "c,y\nu,a\nu,b\nv,a\n,b\nv,a\nu,b\nw,a\nu,b\n", TargetEncode{Smooth: 1, Folds: 2}, 6)
	if want := []uint8{0, 1, 1, 0, 0, 1, 2, 2}; !slices.Equal(coder.fold, want) {
		t.Fatalf("folds %v, want %v", coder.fold, want)
	}
	if coder.outputs != 1 || enc.shape.Size() != 1 {
		t.Fatalf("%d outputs", coder.outputs)
	}
	// Levels u v w and missing. Outside fold 0: rows 1 2 5, targets 1 0 1, mean 2/3.
	// Outside fold 1: rows 0 3 4, targets 0 1 0, mean 1/3. All: mean 1/2.
	for fold, want := range [][]float64{
		{(2 + 2./3) / 3, (0 + 2./3) / 2, 2. / 3, 2. / 3},
		{(0 + 1./3) / 2, (0 + 1./3) / 2, 1. / 3, (1 + 1./3) / 2},
		{(2 + .5) / 4, .5 / 3, .5, 1.5 / 2},
	} {
		got := coder.means(c, count(6), 4, uint8(fold))
		if !slices.EqualFunc(got, want, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
			t.Errorf("without fold %d: %v, want %v", fold, got, want)
		}
	}
	set := enc.set(count(8))
	if mean, std := meanStd(set.X[:6]); math.Abs(mean) > 1e-6 || math.Abs(std-1) > 1e-6 {
		t.Errorf("training rows have mean %v and deviation %v", mean, std)
	}
	if set.X[0] == set.X[1] || set.X[7] == set.X[0] || set.X[1] != set.X[5] {
		t.Errorf("rows of the same category in other folds: %v", set.X)
	}
}

// The code of a training row does not depend on its own target, nor on anything
// that is not for training.
func TestTargetEncodingDoesNotLeak(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(12, 40).Draw(rt, "rows")
		level := rapid.SliceOfN(rapid.SampledFrom([]string{"u", "v", "w", ""}), n, n).Draw(rt, "level")
		y := rapid.SliceOfN(rapid.SampledFrom([]string{"0.5", "1.5", "7", "-3"}), n, n).Draw(rt, "y")
		level[0], y[0], y[1], y[2] = "u", "0.25", "0.75", "0.125" // text, and a regression
		train := n * 3 / 4
		raw := func(y []string) (*targetCoder, [][]float64) {
			var b strings.Builder
			b.WriteString("c,y\n")
			for i := range y {
				b.WriteString(level[i] + "," + y[i] + "\n")
			}
			coder, c, _ := coded(t, b.String(), TargetEncode{}, train)
			var all [][]float64
			for fold := range coder.folds + 1 {
				all = append(all, coder.means(c, count(train), len(c.levels)+1, uint8(fold)))
			}
			return coder, all
		}
		coder, before := raw(y)
		at := rapid.IntRange(3, n-1).Draw(rt, "changed")
		other := slices.Clone(y)
		other[at] = "1000"
		_, after := raw(other)
		own := coder.fold[at]
		if !slices.Equal(before[own], after[own]) && at < train {
			rt.Fatalf("the code of row %d depends on its own target", at)
		}
		if at >= train {
			for i := range before {
				if !slices.Equal(before[i], after[i]) {
					rt.Fatal("the codes depend on a row that is not for training")
				}
			}
		}
	})
}

func TestTargetEncodingOfClasses(t *testing.T) {
	var b strings.Builder
	b.WriteString("c,d,n,y\n")
	for i := range 90 {
		b.WriteString([]string{"u", "v", "w", "x"}[i%4] + "," + []string{"r", "s"}[i%2] + "," + string(rune('0'+i%5)) + "," + []string{"p", "q", "z"}[i%3] + "\n")
	}
	s := Source{CSV: write(t, "f.csv", b.String()), Target: "y", TargetEncode: &TargetEncode{Columns: []string{"c"}}}
	d := load(t, s)
	if d.Features != 3+2+1 { // a column a class, two of 0 and 1, a number
		t.Errorf("%d features", d.Features)
	}
	s.TargetEncode.Columns = nil
	if d = load(t, s); d.Features != 3+3+1 || d.Facts.Categorical != 2 {
		t.Errorf("%d features of %d categorical columns", d.Features, d.Facts.Categorical)
	}
	for columns, want := range map[string]string{
		"e": `there is no column "e"; the columns are c, d, n`,
		"n": `column "n": the column is numeric; name categorical ones`,
	} {
		s.TargetEncode.Columns = []string{columns}
		if _, err := Load(t.Context(), s); err == nil || !strings.HasSuffix(err.Error(), want) || err.(*Error).Key != "target_encode.columns" {
			t.Errorf("%s: %v", columns, err)
		}
	}
}

// On a column with many categories and no meaning, a linear rule fitted to codes
// from the rows' own targets would look good and fail; out-of-fold codes look as
// useless as they are.
func TestTargetEncodingOfNoise(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,y\n")
	r := Split{Seed: 9}.rand()
	for range 1200 {
		b.WriteString("k" + string(rune('a'+r.IntN(26))) + string(rune('a'+r.IntN(16))) + "," + []string{"no", "yes"}[r.IntN(2)] + "\n")
	}
	d := load(t, Source{CSV: write(t, "f.csv", b.String()), Target: "y", TargetEncode: &TargetEncode{Smooth: 1}})
	if auc := AUC(d.Train.X, d.Train.Class); math.Abs(auc-.5) > .06 {
		t.Errorf("training rows: AUC %v of noise", auc)
	}
}
