package data_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"budwood/engine"
	"budwood/engine/data"
)

// Every image is the original seen through a window that moved.
func TestShift(t *testing.T) {
	const h, w, c, rows = 4, 5, 2, 60
	src := &engine.Set{Shape: engine.Shape{h, w, c}, X: make([]float32, rows*h*w*c), Class: make([]int32, rows), Classes: 2}
	for i := range src.X {
		src.X[i] = float32(i)
	}
	was := slices.Clone(src.X)
	var dst engine.Set
	data.Shift(&dst, src, 2, rand.New(rand.NewPCG(1, 2)))
	seen := map[[2]int]bool{}
	for i := range rows {
		at := func(s *engine.Set, y, x, k int) float32 {
			return s.X[((i*h+min(max(y, 0), h-1))*w+min(max(x, 0), w-1))*c+k]
		}
		found := false
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				same := true
				for y := range h {
					for x := range w {
						for k := range c {
							same = same && at(&dst, y, x, k) == at(src, y+dy, x+dx, k)
						}
					}
				}
				if same {
					found = true
					seen[[2]int{dy, dx}] = true
				}
			}
		}
		if !found {
			t.Fatalf("row %d is no shift of the original", i)
		}
	}
	if len(seen) < 15 || !slices.Equal(src.X, was) || &dst.Class[0] != &src.Class[0] {
		t.Errorf("%d different shifts; original kept: %v", len(seen), slices.Equal(src.X, was))
	}
	before := &dst.X[0]
	data.Shift(&dst, src, 1, rand.New(rand.NewPCG(1, 3)))
	if &dst.X[0] != before {
		t.Error("the memory was not used again")
	}
	flat := &engine.Set{Shape: engine.Shape{3}, X: make([]float32, 9)}
	if data.Shift(&dst, flat, 2, nil); &dst.X[0] != &flat.X[0] {
		t.Error("rows that are no images were copied")
	}
}
