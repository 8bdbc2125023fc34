package data

import (
	"slices"
	"strings"
	"testing"
)

// A class a step: parts of the set keep their classes.
func TestClassesOfSteps(t *testing.T) {
	s := &Set{Shape: Shape{2}, X: []float32{0, 1, 2, 3, 4, 5}, Class: []int32{1, 0, 2, 1, 0, 0}, Classes: 3}
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
}

func TestBalancedWeights(t *testing.T) {
	s := &Set{Class: []int32{0, 0, 0, 2}, Classes: 3}
	if w := s.BalancedWeights(); w[0] != 4./9 || w[1] != 0 || w[2] != 4./3 {
		t.Errorf("weights %v", w)
	}
}
