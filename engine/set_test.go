package engine

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
)

// A class a step: parts of the set keep their classes, and the loss is the mean
// over the steps, as if each were a row.
func TestClassesOfSteps(t *testing.T) {
	s := &data.Set{Shape: data.Shape{2}, X: []float32{0, 1, 2, 3, 4, 5}, Class: []int32{1, 0, 2, 1, 0, 0}, Classes: 3}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	if part := s.Slice(1, 3); !slices.Equal(part.Class, []int32{2, 1, 0, 0}) || part.Len() != 2 {
		t.Errorf("rows 1 and 2 have classes %v", part.Class)
	}
	s.Class[3] = 3
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "row 1 has class 3 of 3") {
		t.Errorf("class out of range: %v", err)
	}
	s.Class = s.Class[:5]
	if err := s.Check(); err == nil || !strings.Contains(err.Error(), "5 classes for 3 rows") {
		t.Errorf("5 classes: %v", err)
	}

	s.Class = []int32{1, 0, 2, 1, 0, 0}
	r := rand.New(rand.NewPCG(1, 2))
	y := normal(r, 6*3)
	steps, rows := make([]float32, 18), make([]float32, 18)
	of := targets{class: s.Class}
	l := CrossEntropy{Smoothing: 0.1}
	a, _ := l.gradient(steps, y, of, 3)
	b, _ := l.gradient(rows, y, of, 6)
	a, b = a/3, b/6
	if math.Abs(a-b) > 1e-12 || !slices.Equal(steps, rows) {
		t.Errorf("mean loss of 3 rows with 2 steps %v, of 6 rows %v", a, b)
	}

	for _, c := range []struct {
		out  data.Shape
		want string
	}{
		{data.Shape{2, 3}, ""},
		{data.Shape{2, 4}, ""},
		{data.Shape{6}, "not one row of logits for each of the 2 classes"},
		{data.Shape{3, 2}, "not one row of logits"},
		{data.Shape{2, 2}, "2 outputs for 3 classes"},
	} {
		if err := l.fits(c.out, s); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("output %v: %v", c.out, err)
		}
	}
}
