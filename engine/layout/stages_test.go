package layout

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// balance finds what trying every cut finds.
func TestBalanceIsBest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Float64Range(0, 5), 1, 9).Draw(t, "times")
		pieces := rapid.IntRange(1, 5).Draw(t, "pieces")
		most := rapid.IntRange(1, 9).Draw(t, "most")
		fits := func(i, from, to int) bool { return to-from <= most+i }
		cut := balance(times, pieces, fits)
		best := math.Inf(1)
		var try func(i, from int, longest float64)
		try = func(i, from int, longest float64) {
			if i == pieces {
				if from == len(times) {
					best = min(best, longest)
				}
				return
			}
			sum := 0.0
			for to := from + 1; to <= len(times) && fits(i, from, to); to++ {
				sum += times[to-1]
				try(i+1, to, max(longest, sum))
			}
		}
		try(0, 0, 0)
		if cut == nil {
			if !math.IsInf(best, 1) {
				t.Fatalf("found no cut, and there is one of %v", best)
			}
			return
		}
		longest := 0.0
		for i := range pieces {
			sum := 0.0
			for _, x := range times[cut[i]:cut[i+1]] {
				sum += x
			}
			longest = max(longest, sum)
			if cut[i] >= cut[i+1] || !fits(i, cut[i], cut[i+1]) {
				t.Fatalf("cut %v", cut)
			}
		}
		if longest > best*(1+1e-9)+1e-12 {
			t.Fatalf("the longest piece of %v takes %v, and %v would do", cut, longest, best)
		}
	})
}

// A cut lies between layers that are not joined.
func TestJoinedLayersStayTogether(t *testing.T) {
	l := Layer{Name: "l", Products: 1e9, Width: 64, Params: 10}
	j := l
	j.Joined = true
	p := Problem{
		Cluster: Cluster{Nodes: 1, PerNode: 2, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e10, Between: 1e9},
		Model:   Model{Layers: []Layer{l, l, j, j}, Batch: 4},
	}
	e, err := p.Price(Plan{Pipeline: 2})
	if err != nil {
		t.Fatal(err)
	}
	if got := e.Stages[1].Layers[0]; got != [2]int{1, 4} {
		t.Errorf("the second stage has the layers %v", got)
	}
}

// Where the fastest cut does not fit, the fastest that does is taken.
func TestCutIsLimitedByMemory(t *testing.T) {
	fat := Layer{Name: "fat", Products: 1e8, Width: 64, Params: 1000, Kept: 1000}
	slow := Layer{Name: "slow", Products: 1e9, Width: 64, Params: 1000, Kept: 10}
	p := Problem{
		Cluster: Cluster{Nodes: 1, PerNode: 2, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e10, Between: 1e9},
		Model:   Model{Layers: []Layer{fat, fat, slow, slow}, Batch: 8},
		Fixed:   Cuts{Pipeline: 2, MicroBatches: 8, Recompute: RecomputeNone},
	}
	for _, tt := range []struct {
		memory float64
		want   int
	}{{1e9, 3}, {54e3, 2}} {
		p.Cluster.Memory = tt.memory
		a, err := p.Search()
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Best.Stages[0].Layers[0][1]; got != tt.want {
			t.Errorf("with %v bytes the first stage has %d layers, want %d: %+v", tt.memory, got, tt.want, a.Best.Stages)
		}
	}
}
