package data

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"budwood/internal/bench"
)

// write puts text into a file of the test's own directory.
func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t testing.TB, s Source) *Data {
	t.Helper()
	d, err := Load(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*Set{"train": d.Train, "valid": d.Valid, "test": d.Test} {
		if set == nil && len(d.Folds) > 0 {
			continue
		}
		if err := set.Check(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return d
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

func TestDigits(t *testing.T) {
	s := Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit", Split: Split{Valid: 0.2, Test: 0.2, Seed: 7}}
	d := load(t, s)
	if d.Train.Len() != 3372 || d.Valid.Len() != 1124 || d.Test.Len() != 1124 {
		t.Errorf("parts of %d, %d, %d rows", d.Train.Len(), d.Valid.Len(), d.Test.Len())
	}
	if d.Task != Classification || d.Features != 64 || d.Classes != 10 || strings.Join(d.ClassNames, "") != "0123456789" {
		t.Errorf("%s, %d features, classes %v", d.Task, d.Features, d.ClassNames)
	}
	if c := d.Columns[20]; len(d.Columns) != 64 || c != (Column{Name: "p20", Kind: Numeric, Distinct: 17}) {
		t.Errorf("%d columns, number 20 is %+v", len(d.Columns), c)
	}
	if e := d.Facts.ClassEntropy; e < 0.9999 || e > 1 {
		t.Errorf("class entropy %v of nearly equal classes", e)
	}

	if got := fmt.Sprint(d.Train.Class[:8], d.Valid.Class[:8], d.Test.Class[:8]); got != "[6 2 2 4 5 9 0 5] [4 4 5 0 9 5 1 6] [8 8 8 3 8 6 9 2]" {
		t.Errorf("seed 7 now deals other rows, and every result on record changes: %s", got)
	}

	s.Image = Shape{8, 8, 1}
	img := load(t, s)
	if !img.Train.Shape.Equal(Shape{8, 8, 1}) || !slices.Equal(img.Train.Class, d.Train.Class) {
		t.Errorf("as images: shape %v, or another split", img.Train.Shape)
	}
	mean, std := meanStd(img.Train.X)
	if math.Abs(mean) > 1e-6 || math.Abs(std-1) > 1e-6 {
		t.Errorf("all pixels together have mean %v and standard deviation %v", mean, std)
	}
	// One scale for all: pixels are 0 … 16, so there are 17 values at equal distances.
	values := slices.Clone(img.Train.X)
	slices.Sort(values)
	values = slices.Compact(values)
	if step := (values[16] - values[0]) / 16; len(values) != 17 || math.Abs(float64(values[1]-values[0]-step)) > 1e-5 {
		t.Errorf("pixel values %v", values)
	}
}

func TestAdult(t *testing.T) {
	d := load(t, Source{CSV: "../examples/adult/adult.csv.gz", Target: "income", Ignore: []string{"fnlwgt", "education"}})
	if n := d.Train.Len() + d.Valid.Len() + d.Test.Len(); n != 16281 || d.Facts.Rows != n {
		t.Errorf("%d rows, %d in the facts", n, d.Facts.Rows)
	}
	if !slices.Equal(d.ClassNames, []string{"<=50K", ">50K"}) {
		t.Errorf("classes %q", d.ClassNames)
	}
	if d.Facts.Numeric != 5 || d.Facts.Categorical != 7 || len(d.Columns) != 12 {
		t.Errorf("%d numeric and %d categorical columns", d.Facts.Numeric, d.Facts.Categorical)
	}
	if c := d.Columns[1]; c != (Column{Name: "workclass", Kind: Categorical, Missing: 963, Distinct: 8}) {
		t.Errorf("workclass is %+v", c)
	}
	if got, want := d.Facts.Majority, 12435./16281; math.Abs(got-want) > 1e-4 {
		t.Errorf("majority share %v, want %v", got, want)
	}
}

// The tabular sets of the benchmarks, where they are: each loads into a consistent
// data set with the task, rows and classes of their list.
func TestSharedSets(t *testing.T) {
	dir := bench.Need(t, "data", "tabular")
	list, err := readCSV(t.Context(), filepath.Join(dir, "MANIFEST.csv"), nil)
	if err != nil {
		t.Fatal(err)
	}
	cell := func(i int, name string) any {
		for _, c := range list.columns {
			if c.name == name && c.text {
				return c.levels[c.code[i]]
			} else if c.name == name {
				return c.num[i]
			}
		}
		return nil
	}
	for i := range list.rows {
		name := cell(i, "name").(string)
		s := Source{CSV: filepath.Join(dir, name+".csv"), Target: "target"}
		if name == "uci-wine-quality-red" {
			s.Task = Regression // grades 3 to 8, which look like classes
		}
		d := load(t, s)
		if string(d.Task) != cell(i, "task") || float64(d.Facts.Rows) != cell(i, "rows") ||
			float64(len(d.Columns)) != cell(i, "features") || float64(d.Classes) != cell(i, "classes") {
			t.Errorf("%s: %s, %d rows, %d columns, %d classes", name, d.Task, d.Facts.Rows, len(d.Columns), d.Classes)
		}
	}
}

func TestLoadIsReproducible(t *testing.T) {
	s := Source{CSV: "../examples/adult/adult.csv.gz", Target: "income", Rows: 500, Split: Split{Seed: 3}}
	a, b := load(t, s), load(t, s)
	if !slices.Equal(a.Train.X, b.Train.X) || !slices.Equal(a.Test.Class, b.Test.Class) || a.Facts != b.Facts {
		t.Error("the same source gave different data")
	}
	s.Split.Seed = 4
	if c := load(t, s); slices.Equal(a.Test.Class, c.Test.Class) {
		t.Error("another seed gave the same test part")
	}
}

func TestRows(t *testing.T) {
	s := Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit", Rows: 100}
	d := load(t, s)
	if d.Train.Len() != 60 || d.Valid.Len() != 20 || d.Test.Len() != 20 || d.Classes != 10 {
		t.Errorf("parts of %d, %d, %d rows, %d classes", d.Train.Len(), d.Valid.Len(), d.Test.Len(), d.Classes)
	}
	s.Rows = 1 << 40 // more than there are
	if d := load(t, s); d.Facts.Rows != 5620 {
		t.Errorf("%d rows", d.Facts.Rows)
	}
}

func TestRegression(t *testing.T) {
	var b strings.Builder
	b.WriteString("x,y\n")
	for i := range 50 {
		fmt.Fprintf(&b, "%d,%d.5\n", i%7, i%9)
	}
	b.WriteString("1,\n1,NA\n")
	d := load(t, Source{CSV: write(t, "r.csv", b.String()), Target: "y"})
	if d.Task != Regression || d.Classes != 0 || d.ClassNames != nil || d.Train.Outputs != 1 || d.Train.Classes != 0 {
		t.Errorf("%s with %d classes", d.Task, d.Classes)
	}
	if d.Dropped != 2 || d.Facts.Rows != 50 {
		t.Errorf("%d rows, %d dropped", d.Facts.Rows, d.Dropped)
	}
	if mean, std := meanStd(d.Train.Target); math.Abs(mean) > 1e-6 || math.Abs(std-1) > 1e-6 {
		t.Errorf("the target has mean %v and standard deviation %v", mean, std)
	}
	for _, y := range d.Test.Target { // back in its own unit, a target is one of the file's
		v := float64(y)*d.TargetScale + d.TargetMean
		if k := math.Round(v - 0.5); math.Abs(v-0.5-k) > 1e-5 || k < 0 || k > 8 {
			t.Errorf("target %v is none of the file's", v)
		}
	}
}

func TestFactsAreFiniteJSON(t *testing.T) {
	for _, text := range []string{
		"a,b,y\n" + strings.Repeat("1,,u\n,x,v\n", 5),
		"a,b,y\n" + strings.Repeat(",,u\n,,v\n", 5),
		"a,y\n" + strings.Repeat("1e38,1e38\n-1e38,-1e38\n1e-38,0.5\n", 5),
	} {
		d := load(t, Source{CSV: write(t, "f.csv", text), Target: "y"})
		j, err := json.Marshal(d.Facts) // refuses NaN and inf
		if err != nil {
			t.Errorf("%q: %v", text[:8], err)
		}
		var back Facts
		if err := json.Unmarshal(j, &back); err != nil || back != d.Facts {
			t.Errorf("%q: %+v came back as %+v", text[:8], d.Facts, back)
		}
	}
}

func TestFacts(t *testing.T) {
	// 20 rows, half of them 3:1 in the classes; values whose moments are known.
	text := "n,c,y\n" + strings.Repeat("0,p,a\n0,q,a\n0,,a\n4,p,b\n", 5)
	f := load(t, Source{CSV: write(t, "f.csv", text), Target: "y"}).Facts
	entropy := -(0.75*math.Log(0.75) + 0.25*math.Log(0.25)) / math.Ln2
	if f.Rows != 20 || f.TrainRows != 12 || f.Majority != 0.75 || f.Minority != 0.25 || math.Abs(f.ClassEntropy-entropy) > 1e-12 {
		t.Errorf("%+v", f)
	}
	// One in four is 4, the others 0: skewness (1−2p)/√(pq), excess kurtosis (1−6pq)/(pq), p = 1/4.
	if math.Abs(f.Skewness-0.5/math.Sqrt(3./16)) > 1e-5 || math.Abs(f.Kurtosis-(1-18./16)/(3./16)) > 1e-5 {
		t.Errorf("skewness %v, kurtosis %v", f.Skewness, f.Kurtosis)
	}
	if f.Levels != 2 || f.Missing <= 0 || f.Missing >= 0.5 {
		t.Errorf("%v levels, %v missing", f.Levels, f.Missing)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Load(ctx, Source{CSV: "../examples/adult/adult.csv.gz", Target: "income"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		t.Error("a cancelled load blames the file")
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load(t.Context(), Source{CSV: "no/such.csv", Target: "y"})
	if want := "read no/such.csv: no such file or directory"; err == nil || err.Error() != want || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, err := Load(t.Context(), Source{CSV: t.TempDir(), Target: "y"}); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("a directory: %v", err)
	}
}

func meanStd(x []float32) (mean, std float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		std += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, math.Sqrt(std / float64(len(x)))
}
