package data

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "rows")
		k := rapid.IntRange(2, 10).Draw(t, "folds")
		l := labels{rapid.SliceOfN(rapid.Int32Range(0, 3), n, n).Draw(t, "class"), 4}
		if rapid.Bool().Draw(t, "regression") {
			l = labels{}
		}
		rows := draw(Split{Seed: rapid.Uint64().Draw(t, "seed")}.rand(), count(n), 0)
		size, share := make([]int, k), map[[2]int]int{}
		for i, f := range folds(rows, l, nil, k) {
			size[f]++
			share[[2]int{f, l.of(rows[i])}]++
		}
		if slices.Max(size)-slices.Min(size) > 1 {
			t.Fatalf("folds of %v rows", size)
		}
		for c := range l.classes() {
			lo, hi := n, 0
			for f := range k {
				lo, hi = min(lo, share[[2]int{f, c}]), max(hi, share[[2]int{f, c}])
			}
			if hi-lo > 1 {
				t.Fatalf("class %d: %d to %d rows a fold", c, lo, hi)
			}
		}
	})
}

func TestGroupsStayTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(3, 200).Draw(t, "rows")
		l := labels{rapid.SliceOfN(rapid.Int32Range(0, 2), n, n).Draw(t, "class"), 3}
		group := rapid.SliceOfN(rapid.Int32Range(0, 40), n, n).Draw(t, "group")
		s := Split{Seed: rapid.Uint64().Draw(t, "seed")}
		if rapid.Bool().Draw(t, "folded") {
			s.Folds = 3
			s.Fold = rapid.IntRange(0, 2).Draw(t, "fold")
		}
		p := s.deal(count(n), n, 0, l, group, false)
		all := slices.Concat(p.train, p.valid, p.test)
		slices.Sort(all)
		if !slices.Equal(all, count(n)) {
			t.Fatalf("%v", all)
		}
		part := map[int32]int{}
		for i, rows := range [][]int{p.train, p.valid, p.test} {
			for _, row := range rows {
				if j, ok := part[group[row]]; ok && i != j {
					t.Fatalf("group %d is in parts %d and %d", group[row], i, j)
				}
				part[group[row]] = i
			}
		}
		q := s.deal(count(n), n, 0, l, group, false)
		if !slices.Equal(p.train, q.train) || !slices.Equal(p.valid, q.valid) {
			t.Fatal("the same seed gave other parts")
		}
	})
}

// Many small groups: the parts get their shares of every class.
func TestGroupedShares(t *testing.T) {
	const n = 3000
	l, group := labels{make([]int32, n), 3}, make([]int32, n)
	for i := range n {
		group[i] = int32(i / 5)
		l.class[i] = int32(min(i%7/3, 2))
	}
	p := Split{Valid: .3, Test: .1, Seed: 1}.deal(count(n), n, 0, l, group, false)
	for c := range 3 {
		of := func(rows []int) (k float64) {
			for _, row := range rows {
				if l.of(row) == c {
					k++
				}
			}
			return k
		}
		total := of(p.train) + of(p.valid) + of(p.test)
		if v, x := of(p.valid)/total, of(p.test)/total; math.Abs(v-.3) > .01 || math.Abs(x-.1) > .01 {
			t.Errorf("class %d: %.3f for validation, %.3f for the test", c, v, x)
		}
	}
}

// Over all folds each row that is not for the test is validated once.
func TestCrossValidation(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,who,y\n")
	for i := range 100 {
		fmt.Fprintf(&b, "%d,g%d,%d\n", i, i%20, i%2)
	}
	b.WriteString("100,,1\n101,,0\n") // of no group
	for _, group := range []string{"", "who"} {
		total, test := 0, 0
		for fold := range 4 {
			d := load(t, Source{CSV: write(t, "f.csv", b.String()), Target: "y", Split: Split{Folds: 4, Fold: fold, Test: 0.25, Group: group}})
			if group != "" && d.Features != 1 {
				t.Errorf("%d features; the group is none", d.Features)
			}
			if fold == 0 {
				test = d.Test.Len()
			} else if test != d.Test.Len() {
				t.Error("the test part depends on the fold")
			}
			total += d.Valid.Len()
			if n := d.Valid.Len(); n < 15 || n > 23 {
				t.Errorf("group %q: a fold of %d rows", group, n)
			}
		}
		if total+test != 102 || test < 22 || test > 28 {
			t.Errorf("group %q: %d rows were validated, %d are for the test", group, total, test)
		}
	}
}

// With cv, each row that is not for the test is in the validation part of one
// fold and in the training part of all others, and is encoded the same there.
func TestAllFoldsAtOnce(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,who,y\n")
	for i := range 60 {
		fmt.Fprintf(&b, "%d,g%d,%d\n", i, i%15, i%3)
	}
	path := write(t, "f.csv", b.String())
	for _, group := range []string{"", "who"} {
		d := load(t, Source{CSV: path, Target: "y", Ignore: []string{"who"}[:1-min(1, len(group))], Split: Split{CV: 4, Test: 0.2, Group: group}})
		if d.Valid != nil || len(d.Folds) != 4 || d.Train.Len()+d.Test.Len() != 60 {
			t.Fatalf("group %q: valid %v, %d folds, %d and %d rows", group, d.Valid, len(d.Folds), d.Train.Len(), d.Test.Len())
		}
		times := map[float32]int{}
		for _, f := range d.Folds {
			if f.Train.Len()+f.Valid.Len() != d.Train.Len() {
				t.Errorf("group %q: %d and %d rows of %d", group, f.Train.Len(), f.Valid.Len(), d.Train.Len())
			}
			inside := map[float32]bool{}
			for _, x := range f.Train.X {
				inside[x] = true
			}
			for _, x := range f.Valid.X {
				times[x]++
				if inside[x] {
					t.Errorf("group %q: a row is in both parts", group)
				}
			}
		}
		for i, x := range d.Train.X {
			if times[x] != 1 {
				t.Errorf("group %q: row %d was validated %d times", group, i, times[x])
			}
		}
	}
	for want, s := range map[string]Split{
		"leave out valid": {CV: 4, Valid: .2}, "outside 2 … 20": {CV: 21}, "leave out": {CV: 3, Folds: 3},
	} {
		_, err := Load(context.Background(), Source{CSV: path, Target: "y", Split: s})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

// Images and texts have folds, too; those of a text are pieces that follow each other.
func TestFoldsOfImagesAndTexts(t *testing.T) {
	images, labels := stripes(40)
	idxs := Source{IDX: &IDX{Images: write(t, "i", images), Labels: write(t, "l", labels)}, Split: Split{CV: 4, Test: .2}}
	own := idxs
	own.IDX, own.Split.Test = &IDX{Images: idxs.IDX.Images, Labels: idxs.IDX.Labels, TestImages: idxs.IDX.Images, TestLabels: idxs.IDX.Labels}, 0
	text := Source{Text: &Text{File: write(t, "f.txt", strings.Repeat("abcdefg", 12)), Steps: 4}, Split: Split{CV: 4, Test: .2}}
	for name, c := range map[string]struct {
		source      Source
		train, test int
	}{"idx": {idxs, 32, 8}, "idx with a test file": {own, 40, 40}, "text": {text, 16, 4}} {
		d := load(t, c.source)
		if d.Valid != nil || len(d.Folds) != 4 || d.Train.Len() != c.train || d.Test.Len() != c.test {
			t.Errorf("%s: valid %v, %d folds, %d and %d rows", name, d.Valid, len(d.Folds), d.Train.Len(), d.Test.Len())
		}
		for k, f := range d.Folds {
			if f.Valid.Len() != c.train/4 || f.Train.Len() != c.train*3/4 {
				t.Errorf("%s: fold %d has %d and %d rows", name, k, f.Valid.Len(), f.Train.Len())
			}
			if n := c.train / 4; name == "text" && !slices.Equal(f.Valid.X, d.Train.X[k*n*4:(k+1)*n*4]) {
				t.Errorf("fold %d of the text is no piece of it: %v", k, f.Valid.X)
			}
		}
	}
	text.Split.CV = 20
	if _, err := Load(t.Context(), text); err == nil || !strings.Contains(err.Error(), "give 16 rows of 4 for 20 folds and 4 for the test") {
		t.Error(err)
	}
}
