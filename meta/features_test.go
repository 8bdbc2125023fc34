package meta_test

import (
	"encoding/json"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/meta"
)

// A few sets of the UCI repository.
var (
	digits    = set("classification", 5620, 64, 0, 0, []int{554, 571, 557, 572, 568, 558, 558, 566, 554, 562})
	pendigits = set("classification", 10992, 16, 0, 0, []int{1143, 1143, 1144, 1055, 1144, 1055, 1056, 1142, 1055, 1055})
	adult     = set("classification", 16281, 14, 8, 2203, []int{12435, 3846})
	credit    = set("classification", 1000, 20, 13, 0, []int{700, 300})
	breast    = set("classification", 699, 9, 0, 16, []int{458, 241})
	diabetes  = set("classification", 768, 8, 0, 0, []int{500, 268})
	iris      = set("classification", 150, 4, 0, 0, []int{50, 50, 50})
	seeds     = set("classification", 210, 7, 0, 0, []int{70, 70, 70})
	concrete  = set("regression", 1030, 8, 0, 0, nil)
	energy    = set("regression", 768, 8, 0, 0, nil)
	elevators = set("regression", 16599, 18, 0, 0, nil)
)

func set(task string, rows, inputs, categorical, missing int, classes []int) meta.Features {
	entropy, majority := meta.Balance(classes)
	return meta.Features{
		Task: task, Rows: rows, Inputs: inputs, Categorical: float64(categorical) / float64(inputs),
		Missing: float64(missing) / float64(rows*inputs), Classes: len(classes), Entropy: entropy, Majority: majority,
	}
}

func TestBalance(t *testing.T) {
	for _, c := range []struct {
		counts            []int
		entropy, majority float64
	}{
		{nil, 0, 0},
		{[]int{0, 0}, 0, 0},
		{[]int{7}, 0, 1},
		{[]int{7, 0}, 0, 1},
		{[]int{5, 5}, 1, 0.5},
		{[]int{5, 5, 5, 5}, 1, 0.25},
		{[]int{3, 1}, 0.811278124459, 0.75}, // 2 - 3/4 log2 3
	} {
		e, m := meta.Balance(c.counts)
		if math.Abs(e-c.entropy) > 1e-9 || m != c.majority {
			t.Errorf("%v: %v, %v, want %v, %v", c.counts, e, m, c.entropy, c.majority)
		}
	}
}

// Each set's nearest one is the one a practitioner would name.
func TestSimilarityFindsTheSibling(t *testing.T) {
	all := map[string]meta.Features{
		"digits": digits, "pendigits": pendigits, "adult": adult, "credit": credit, "breast": breast, "diabetes": diabetes,
		"iris": iris, "seeds": seeds, "concrete": concrete, "energy": energy, "elevators": elevators,
	}
	for name, want := range map[string]string{
		"digits": "pendigits", "pendigits": "digits", "adult": "credit", "breast": "diabetes", "diabetes": "breast",
		"iris": "seeds", "seeds": "iris", "concrete": "energy", "energy": "concrete", "elevators": "concrete",
	} {
		best, nearest := -1., ""
		for other, f := range all {
			if s := meta.Similarity(all[name], f); other != name && s > best {
				best, nearest = s, other
			}
		}
		if nearest != want {
			t.Errorf("nearest to %s is %s (%.2f), want %s (%.2f)", name, nearest, best, want, meta.Similarity(all[name], all[want]))
		}
	}
	for _, c := range []struct {
		a, b     meta.Features
		min, max float64
	}{
		{breast, diabetes, 0.9, 1},
		{digits, pendigits, 0.65, 0.85},
		{digits, adult, 0, 0.4},
		{concrete, breast, 0, 0},        // another task
		{digits, meta.Features{}, 0, 0}, // nothing is known
		{meta.Features{}, meta.Features{}, 0, 0},
	} {
		if s := meta.Similarity(c.a, c.b); s < c.min || s > c.max {
			t.Errorf("%+v and %+v: %v, want %v to %v", c.a, c.b, s, c.min, c.max)
		}
	}
}

func TestLandmarksCount(t *testing.T) {
	a, b, c := digits, digits, digits
	a.Landmarks = meta.Scores{"1nn": 0.98, "stump": 0.2, "linear": 0.95}
	b.Landmarks = meta.Scores{"1nn": 0.97, "stump": 0.2, "other": 0.1}
	c.Landmarks = meta.Scores{"1nn": 0.40, "stump": 0.9}
	near, far, none := meta.Similarity(a, b), meta.Similarity(a, c), meta.Similarity(a, digits)
	if !(far < near && near < none && none == 1) {
		t.Errorf("alike %v, different %v, unknown %v", near, far, none)
	}
}

func TestSimilarityIsOne(t *testing.T) {
	features := rapid.Custom(func(t *rapid.T) meta.Features {
		var f meta.Features
		f.Task = rapid.SampledFrom([]string{"", "classification", "regression"}).Draw(t, "task")
		f.Rows = rapid.IntRange(-5, 1e9).Draw(t, "rows")
		f.Inputs = rapid.IntRange(-5, 1e6).Draw(t, "inputs")
		f.Classes = rapid.IntRange(-5, 1000).Draw(t, "classes")
		any := rapid.Float64()
		f.Categorical, f.Missing, f.Entropy, f.Majority = any.Draw(t, "c"), any.Draw(t, "m"), any.Draw(t, "e"), any.Draw(t, "j")
		f.Landmarks = meta.Scores{"1nn": any.Draw(t, "1nn")}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := features.Draw(t, "a"), features.Draw(t, "b")
		ab, ba := meta.Similarity(a, b), meta.Similarity(b, a)
		if ab != ba || !(ab >= 0 && ab <= 1) {
			t.Fatalf("%v one way, %v the other", ab, ba)
		}
		if s := meta.Similarity(a, a); a.Rows > 0 && s != 1 || a.Rows <= 0 && s != 0 {
			t.Fatalf("with itself: %v", s)
		}
	})
}

func TestFeaturesThroughJSON(t *testing.T) {
	want := adult
	want.Landmarks = meta.Scores{"1nn": 0.8}
	b, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got meta.Features
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
