package nas

import (
	"math"
	"slices"
	"testing"
)

func withLosses(losses ...[]float64) []*individual {
	out := make([]*individual, len(losses))
	for i, l := range losses {
		out[i] = &individual{losses: l}
	}
	return out
}

func TestElite(t *testing.T) {
	all := withLosses(
		[]float64{5, 5},  // second front
		[]float64{1, 10}, // an end of the first
		[]float64{2, 8},
		[]float64{9, 9}, // dominated by the second front
		[]float64{10, 1},
		[]float64{4, 4},
		[]float64{3, 7}, // between 2, 8 and 4, 4
	)
	var got [][]float64
	for _, r := range elite(all, 4) {
		got = append(got, r.losses)
	}
	slices.SortFunc(got, func(a, b []float64) int { return int(a[0] - b[0]) })
	want := [][]float64{{1, 10}, {3, 7}, {4, 4}, {10, 1}}
	if !slices.EqualFunc(got, want, slices.Equal[[]float64]) {
		t.Errorf("%v, want %v", got, want)
	}
	six := elite(all, 6)
	if last := six[5]; last.front != 1 || !slices.Equal(last.losses, []float64{5, 5}) {
		t.Errorf("the sixth is %+v", last)
	}
	if n := len(elite(all, 100)); n != len(all) {
		t.Errorf("%d of %d survive where there is room for all", n, len(all))
	}
}

func TestCrowding(t *testing.T) {
	var got []ranked
	for _, i := range withLosses([]float64{0, 4}, []float64{1, 2}, []float64{2, 1}, []float64{4, 0}) {
		got = append(got, ranked{individual: i})
	}
	crowd(got)
	for i, want := range []float64{math.Inf(1), 2./4 + 3./4, 3./4 + 2./4, math.Inf(1)} {
		if got[i].crowding != want {
			t.Errorf("crowding %d is %g, want %g", i, got[i].crowding, want)
		}
	}
}
