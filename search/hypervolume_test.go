package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestHypervolume(t *testing.T) {
	for _, c := range []struct {
		points [][]float64
		ref    []float64
		want   float64
	}{
		{nil, nil, 0},
		{nil, []float64{1, 1}, 0},
		{[][]float64{{.25}, {.5}}, []float64{1}, .75},
		{[][]float64{{0, .5}, {.5, 0}}, []float64{1, 1}, .75},
		{[][]float64{{0, .5}, {.5, 0}, {.6, .6}, {2, -9}}, []float64{1, 1}, .75},
		{[][]float64{{0, 0, .5}, {.5, .5, 0}}, []float64{1, 1, 1}, .5 + .25 - .125},
		{[][]float64{{0, 0, 0}}, []float64{2, 3, 4}, 24},
	} {
		if got := Hypervolume(c.points, c.ref); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v up to %v: %v, want %v", c.points, c.ref, got, c.want)
		}
	}
}

// The volume agrees with inclusion and exclusion over all subsets.
func TestHypervolumeByInclusionAndExclusion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "objectives")
		n := rapid.IntRange(0, 7).Draw(t, "points")
		ref := make([]float64, m)
		for k := range ref {
			ref[k] = 1
		}
		points := make([][]float64, n)
		for i := range points {
			points[i] = make([]float64, m)
			for k := range points[i] {
				points[i][k] = float64(rapid.IntRange(0, 6).Draw(t, "v")) / 5 // ties, and some beyond the reference
			}
		}
		want := 0.
		for set := 1; set < 1<<n; set++ {
			box, sign := 1., -1.
			for k := range m {
				worst := math.Inf(-1)
				for i := range n {
					if set>>i&1 > 0 {
						worst = max(worst, points[i][k])
					}
				}
				box *= max(1-worst, 0)
			}
			for i := range n {
				if set>>i&1 > 0 {
					sign = -sign
				}
			}
			want += sign * box
		}
		if got := Hypervolume(points, ref); math.Abs(got-want) > 1e-9 {
			t.Fatalf("the volume of %v is %v, want %v", points, got, want)
		}
	})
}

// A front in so many losses, on a sphere.
func BenchmarkHypervolume(b *testing.B) {
	for _, c := range []struct {
		name   string
		losses int
		points int
	}{{"2x1000", 2, 1000}, {"3x100", 3, 100}, {"3x1000", 3, 1000}, {"4x100", 4, 100}} {
		r := rand.New(rand.NewPCG(1, 0))
		points, ref := make([][]float64, c.points), make([]float64, c.losses)
		for i := range points {
			sum := 0.
			for range ref {
				v := math.Abs(r.NormFloat64())
				points[i] = append(points[i], v)
				sum += v * v
			}
			for k := range ref {
				points[i][k] = 1 - points[i][k]/math.Sqrt(sum)
				ref[k] = 1
			}
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Hypervolume(points, ref)
			}
		})
	}
}
