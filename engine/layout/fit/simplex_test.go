package main

import (
	"math"
	"testing"
)

// The minimum of Rosenbrock's function is at (1, 1), of a bowl in five dimensions at
// its middle.
func TestMinimize(t *testing.T) {
	rosenbrock := func(x []float64) float64 {
		return math.Pow(1-x[0], 2) + 100*math.Pow(x[1]-x[0]*x[0], 2)
	}
	if p := minimize(rosenbrock, []float64{-1.2, 1}, .5, 1e-12, 1000); math.Abs(p.x[0]-1) > 1e-3 || math.Abs(p.x[1]-1) > 1e-3 {
		t.Errorf("got %v", p)
	}
	bowl := func(x []float64) (sum float64) {
		for i := range x {
			sum += float64(i+1) * math.Pow(x[i]-float64(i), 2)
		}
		return sum
	}
	if p := minimize(bowl, make([]float64, 5), .5, 1e-9, 5000); p.f > 1e-6 {
		t.Errorf("got %v", p)
	}
}
