package data

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// encode fits to the first train rows of a table and encodes all of them.
func encode(t *testing.T, s string, train int) [][]float32 {
	t.Helper()
	table, err := text(s)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := fit(table.columns, count(train), nil, Standard, nil)
	if err != nil {
		t.Fatal(err)
	}
	set := enc.set(count(table.rows))
	var out [][]float32
	for r := range slices.Chunk(set.X, set.Shape.Size()) {
		out = append(out, r)
	}
	return out
}

func TestEncoding(t *testing.T) {
	h := float32(math.Sqrt(1.5)) // 1, 2, 3 standardised are −h, 0, h
	for _, c := range []struct {
		name, text string
		train      int
		want       [][]float32
	}{
		{"numeric", "a\n1\n2\n3\n5", 3, [][]float32{{-h}, {0}, {h}, {3 * h}}},
		{"constant, even if rounding gives it a spread", "a\n0.1\n0.1\n0.1\n7", 3, [][]float32{{0}, {0}, {0}, {0}}},
		{"missing: mean and indicator", "a\n1\nNA\n3\n2\n?", 3, [][]float32{{-1, 0}, {0, 1}, {1, 0}, {0, 0}, {0, 1}}},
		{"missing outside the training rows only", "a,b\n1,5\n3,5\n,5\n", 2, [][]float32{{-1, 0}, {1, 0}, {0, 0}}},
		{"missing everywhere", "a,b\n,1\n,1\n3,1\n", 2, [][]float32{{0, 0}, {0, 0}, {0, 0}}},
		{"categories by name, unseen gives zeros", "a\nv\nu\nv\nw", 3, [][]float32{{0, 1}, {1, 0}, {0, 1}, {0, 0}}},
		{"category missing", "a,b\nv,1\n,1\nu,1\nw,1\n,1\n", 3, [][]float32{{0, 1, 0, 0}, {0, 0, 1, 0}, {1, 0, 0, 0}, {0, 0, 0, 0}, {0, 0, 1, 0}}},
		{"a freak value stays finite", "a\n0\n1e-30\n1e38\n-1e38\n", 2, [][]float32{{-1}, {1}, {MaxScore}, {-MaxScore}}},
	} {
		got := encode(t, c.text, c.train)
		if !slices.EqualFunc(got, c.want, func(a, b []float32) bool {
			return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Abs(float64(x-y)) < 1e-6 })
		}) {
			t.Errorf("%s:\n got %v\nwant %v", c.name, got, c.want)
		}
	}
}

func TestRareLevelsShareAColumn(t *testing.T) {
	var b strings.Builder
	b.WriteString("a\n")
	rows := 0
	for i := range 70 { // l00 … l62 twice, l63 … l69 once
		for range 1 + min(1, 62/max(i, 1)) {
			fmt.Fprintf(&b, "l%02d\n", i)
			rows++
		}
	}
	train := rows
	b.WriteString("unseen\n")
	got := encode(t, b.String(), train)
	if len(got[0]) != maxLevels {
		t.Fatalf("%d columns", len(got[0]))
	}
	for i, row := range got {
		at := slices.Index(row, 1)
		if want := min(i/2, maxLevels-1); at != want || slices.Index(row[at+1:], 1) >= 0 {
			t.Errorf("row %d has its 1 in column %d, want %d", i, at, want)
		}
	}
}

// The encoding of the training rows is the same whatever stands in the others.
func TestNoLeakage(t *testing.T) {
	cell := rapid.SampledFrom([]string{"", "1", "2", "3.5", "-7", "u", "v", "w", "?"})
	rapid.Check(t, func(t *rapid.T) {
		train := rapid.SliceOfN(cell, 2, 12).Draw(t, "train")
		rest := rapid.SliceOfN(cell, 0, 12).Draw(t, "rest")
		prefix := "k,a\n0,z\n0," // z: categorical in any case
		if rapid.Bool().Draw(t, "numeric") {
			digits := func(s []string) {
				for i := range s {
					s[i] = strings.NewReplacer("u", "8", "v", "9", "w", "").Replace(s[i])
				}
			}
			digits(train)
			digits(rest)
			prefix = "k,a\n0,4\n0,"
		}
		width := func(cells []string) (*encoder, []float32) {
			table, err := text(prefix + strings.Join(cells, "\n0,") + "\n")
			if err != nil {
				t.Fatal(err)
			}
			enc, err := fit(table.columns, count(len(train)+1), nil, Standard, nil)
			if err != nil {
				t.Fatal(err)
			}
			return enc, enc.set(count(len(train) + 1)).X
		}
		_, alone := width(train)
		_, both := width(slices.Concat(train, rest))
		if !slices.Equal(alone, both) {
			t.Fatalf("alone %v, with others %v", alone, both)
		}
	})
}

func TestMoments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(-1e3, 1e3), 1, 50).Draw(t, "x")
		cut := rapid.IntRange(0, len(x)).Draw(t, "cut")
		offset := rapid.SampledFrom([]float64{0, 1e6}).Draw(t, "offset")
		for i := range x {
			x[i] += offset
		}
		var whole, pieces moments
		whole.add(x, count(len(x)))
		pieces.add(x, count(len(x))[:cut])
		pieces.add(x, count(len(x))[cut:])
		if math.Abs(whole.mean()-pieces.mean()) > 1e-12*(1+offset) || math.Abs(whole.std()-pieces.std()) > 1e-9*(1+whole.std()) {
			t.Fatalf("%v ± %v in one piece, %v ± %v in two", whole.mean(), whole.std(), pieces.mean(), pieces.std())
		}
		naive := 0.
		for _, v := range x {
			naive += (v - whole.mean()) * (v - whole.mean())
		}
		if math.Abs(whole.std()-math.Sqrt(naive/float64(len(x)))) > 1e-9*(1+whole.std()) {
			t.Fatalf("standard deviation %v", whole.std())
		}
	})
}

// The tables of a preparation are what the encoder makes of every category.
func TestPreparation(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	var b strings.Builder
	b.WriteString("a,n,y\n")
	for i := range 400 {
		a, n := fmt.Sprintf("l%d", i%80), fmt.Sprint(i%9)
		if i%11 == 0 {
			a, n = "?", "?"
		}
		fmt.Fprintf(&b, "%s,%s,%s\n", a, n, []string{"no", "yes"}[i%2])
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "new.csv")
	if err := os.WriteFile(fresh, []byte("a,n\nl3,4\n?,?\nneverseen,8\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, encode := range []*TargetEncode{nil, {}} {
		d, rows, err := LoadWith(context.Background(), Source{CSV: path, Target: "y", TargetEncode: encode}, fresh)
		if err != nil {
			t.Fatal(err)
		}
		a, n := d.Preparation.Columns[0], d.Preparation.Columns[1]
		levels, w := len(a.Levels), len(a.Table[0])
		for i, k := range []int{slices.Index(a.Levels, "l3"), levels, levels + 1} {
			got := rows.X[i*d.Features : (i+1)*d.Features]
			if k > levels { // a level that the file with the new rows brings is in the list; it is encoded as any unknown one
				k = slices.Index(a.Levels, "neverseen")
				if !slices.Equal(a.Table[k], a.Table[levels+1]) {
					t.Errorf("%v: %v for a level that no training row has, %v for one that is unknown", encode, a.Table[k], a.Table[levels+1])
				}
			}
			if !slices.Equal(got[:w], a.Table[k]) {
				t.Errorf("%v: row %d is %v, the table has %v", encode, i, got[:w], a.Table[k])
			}
			if i != 1 && got[w] != score([]float64{4, 0, 8}[i], n.Number.Mean, n.Number.Scale) || i == 1 && !(n.Missing && got[w] == 0 && got[w+1] == 1) {
				t.Errorf("%v: row %d: number %v by %+v", encode, i, got[w:], n)
			}
		}
	}
}
