package data

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDivide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(1, 6).Draw(t, "classes")
		class := rapid.SliceOfN(rapid.Int32Range(0, int32(classes-1)), 1, 300).Draw(t, "class")
		if rapid.Bool().Draw(t, "regression") {
			class, classes = nil, 0
		}
		n := max(len(class), rapid.IntRange(1, 300).Draw(t, "n"))
		if class != nil {
			n = len(class)
		}
		s := Split{Valid: rapid.Float64Range(0.01, 0.6).Draw(t, "valid"), Test: rapid.Float64Range(0.01, 0.39).Draw(t, "test"), Seed: rapid.Uint64().Draw(t, "seed")}
		keep := rapid.IntRange(0, n).Draw(t, "rows")
		deal := func() (parts, []int) {
			r := s.rand()
			rows := draw(r, count(n), keep)
			return divide(r, slices.Clone(rows), labels{class, classes}, s.Valid, s.Test), rows
		}
		p, rows := deal()

		// Disjoint and complete.
		all := slices.Concat(p.train, p.valid, p.test)
		slices.Sort(all)
		slices.Sort(rows)
		if !slices.Equal(all, rows) || keep > 0 && len(rows) != keep {
			t.Fatalf("parts hold %v, drawn were %v", all, rows)
		}
		// Reproducible.
		q, _ := deal()
		if !slices.Equal(p.train, q.train) || !slices.Equal(p.valid, q.valid) || !slices.Equal(p.test, q.test) {
			t.Fatal("the same seed gave other parts")
		}
		// Of every class its share, and one row to learn from.
		size := map[int32]int{}
		label := func(row int) int32 {
			if class == nil {
				return 0
			}
			return class[row]
		}
		for _, row := range rows {
			size[label(row)]++
		}
		roomy := true // no class so small that another had to stand in for it
		for _, n := range size {
			roomy = roomy && float64(n)*(1-s.Valid-s.Test) > 4
		}
		for c, n := range size {
			of := func(part []int) (k int) {
				for _, row := range part {
					if label(row) == c {
						k++
					}
				}
				return k
			}
			if of(p.train) == 0 {
				t.Fatalf("class %d has no row for training", c)
			}
			if d := math.Abs(float64(of(p.valid)) - s.Valid*float64(n)); roomy && d > 1 {
				t.Fatalf("class %d: %d of %d rows for validation", c, of(p.valid), n)
			}
			if d := math.Abs(float64(of(p.test)) - s.Test*float64(n)); roomy && d > 1 {
				t.Fatalf("class %d: %d of %d rows for the test", c, of(p.test), n)
			}
		}
		if d := math.Abs(float64(len(p.valid)) - s.Valid*float64(len(rows))); roomy && d > 0.5 {
			t.Fatalf("%d of %d rows for validation", len(p.valid), len(rows))
		}
	})
}

// Rows come in random order: their classes are not sorted.
func TestPartsAreShuffled(t *testing.T) {
	d := load(t, Source{CSV: "../examples/digits/digits.csv.gz", Target: "digit"})
	for _, class := range [][]int32{d.Train.Class, d.Valid.Class, d.Test.Class} {
		same := 0
		for i := range class[1:] {
			if class[i] == class[i+1] {
				same++
			}
		}
		if share := float64(same) / float64(len(class)); share < 0.05 || share > 0.15 {
			t.Errorf("%v of neighbours have the same class, want about a tenth", share)
		}
	}
}

func TestSourceIsChecked(t *testing.T) {
	ok := Source{CSV: "f.csv", Target: "y"}
	idx := Source{IDX: &IDX{Images: "i", Labels: "l"}}
	with := func(s Source, change func(*Source)) Source {
		if s.IDX != nil {
			x := *s.IDX
			s.IDX = &x
		}
		change(&s)
		return s
	}
	for _, c := range []struct {
		source Source
		want   string // key: beginning of the message
	}{
		{ok, ""},
		{idx, ""},
		{Source{}, ": no file is named"},
		{with(ok, func(s *Source) { s.IDX = idx.IDX }), ": give only one"},
		{with(ok, func(s *Source) { s.Target = "" }), "target: name the column"},
		{with(ok, func(s *Source) { s.Ignore = []string{"y"} }), `ignore: "y" is the target`},
		{with(ok, func(s *Source) { s.Task = "ranking" }), `task: "ranking" is neither`},
		{with(ok, func(s *Source) { s.Rows = -1 }), "rows: -1 is negative"},
		{with(ok, func(s *Source) { s.Image = []int{8, 8} }), "image: [8 8] is not an image"},
		{with(ok, func(s *Source) { s.Image = []int{8, 0, 1} }), "image: [8 0 1] is not an image"},
		{with(ok, func(s *Source) { s.Split.Valid = 1 }), "split.valid: 1 is not a share"},
		{with(ok, func(s *Source) { s.Split.Valid = math.NaN() }), "split.valid: NaN is not a share"},
		{with(ok, func(s *Source) { s.Split.Test = -0.1 }), "split.test: -0.1 is not a share"},
		{with(ok, func(s *Source) { s.Split.Test = 0.8 }), "split: valid 0.2 and test 0.8 leave nothing"},
		{with(idx, func(s *Source) { s.IDX.Images = "" }), "idx.images: name the file"},
		{with(idx, func(s *Source) { s.IDX.Labels = "" }), "idx.labels: name the file"},
		{with(idx, func(s *Source) { s.IDX.TestImages = "t" }), "idx.test_labels: name the file that goes with t"},
		{with(idx, func(s *Source) { s.IDX.TestLabels = "t" }), "idx.test_images: name the file that goes with t"},
		{with(idx, func(s *Source) { s.IDX.TestImages, s.IDX.TestLabels, s.Split.Test = "t", "u", 0.1 }), "split.test: leave it out"},
		{with(idx, func(s *Source) { s.Target = "y" }), "target: belongs to csv and parquet"},
		{with(idx, func(s *Source) { s.Ignore = []string{"y"} }), "ignore: belongs to csv and parquet"},
		{with(idx, func(s *Source) { s.Task = Regression }), "task: the labels of idx are classes"},
		{with(idx, func(s *Source) { s.NPY = &NPY{X: "x", Y: "y"} }), ": give only one"},
		{Source{NPY: &NPY{X: "x", Y: "y"}, Task: Regression}, ""},
		{Source{NPY: &NPY{Y: "y"}}, "npy.x: name the file"},
		{Source{NPY: &NPY{X: "x"}}, "npy.y: name the file that goes with x"},
	} {
		err := c.source.Validate()
		if c.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", c.source, err)
			}
			continue
		}
		e, isError := err.(*Error)
		if !isError {
			t.Errorf("%s: got %v", c.want, err)
			continue
		}
		if got := e.Key + ": " + e.Err.Error(); !strings.HasPrefix(got, c.want) {
			t.Errorf("got  %s\nwant %s…", got, c.want)
		}
	}
}
