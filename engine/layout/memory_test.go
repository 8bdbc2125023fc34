package layout

import (
	"math"
	"testing"
)

// The example of the paper (Rajbhandari et al. 2020, figure 1): 7.5 B parameters on
// 64 devices, 2 bytes of weights, 2 of gradients, 12 of the optimizer.
func TestShardedMemoryIsThatOfThePaper(t *testing.T) {
	for zero, want := range []float64{120, 31.4, 16.6, 1.9} {
		m := Sharded(zero, 64, 7.5e9, State{2, 2, 12})
		if got := m.Total() / 1e9; math.Abs(got-want) > .05 {
			t.Errorf("zero %d: %.2f GB, want %.1f", zero, got, want)
		}
	}
}

// A stage holds the activations of min(m, p−i) micro-batches, of which recompute
// keeps the inputs only.
func TestActivationsOfStages(t *testing.T) {
	layer := Layer{Name: "l", Products: 1e9, Width: 64, Params: 1000, Kept: 100, Input: 10}
	m := Model{Layers: []Layer{layer, layer, layer, layer}, Batch: 8}
	c := Cluster{Nodes: 1, PerNode: 2, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e10, Between: 1e9}
	p := Problem{Cluster: c, Model: m}
	for _, tt := range []struct {
		plan Plan
		want [2]float64
	}{
		{Plan{Pipeline: 2, MicroBatches: 4}, [2]float64{2 * 2 * 200, 2 * 200}},
		{Plan{Pipeline: 2, MicroBatches: 1}, [2]float64{8 * 200, 8 * 200}},
		{Plan{Pipeline: 2, MicroBatches: 4, Recompute: RecomputeBlocks}, [2]float64{2 * (2*20 + 2*100), 2 * (10 + 2*100)}},
		{Plan{Pipeline: 2, MicroBatches: 4, Recompute: RecomputeAll}, [2]float64{2 * (2*10 + 200), 2 * (10 + 200)}},
	} {
		e, err := p.Price(tt.plan)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range e.Stages {
			if s.Memory.Activations != tt.want[i] {
				t.Errorf("%s: stage %d holds %v bytes of activations, want %v", e.Plan, i, s.Memory.Activations, tt.want[i])
			}
			if s.Memory.Parameters != 4*2000 || s.Memory.Gradients != 4*2000 || s.Memory.Optimizer != 8*2000 {
				t.Errorf("%s: stage %d has state %+v", e.Plan, i, s.Memory)
			}
		}
	}
}

// Lanes of one process share weights and optimizer state, not gradients and
// activations.
func TestThreadsShareState(t *testing.T) {
	layer := Layer{Name: "l", Products: 1e9, Width: 64, Params: 1000, Kept: 100, Input: 10}
	p := Problem{
		Cluster: Cluster{Nodes: 2, PerNode: 2, FLOPS: 1e12, Memory: 1e9, Bandwidth: 1e11, Inside: 1e10, Between: 1e9, Threads: 2},
		Model:   Model{Layers: []Layer{layer, layer}, Batch: 8},
	}
	e, err := p.Price(Plan{Data: 4, Threads: 2, Zero: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := Memory{Parameters: 4 * 2000, Gradients: 2 * 4 * 2000, Optimizer: 8 * 2000 / 2, Activations: 2 * 2 * 200, Wire: 2 * bucket}
	if got := e.Memory(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := e.Sent, (Sent{Gradients: 4 * 2000 / 2, Parameters: 4 * 2000 / 2}); got != want {
		t.Errorf("two ranks send %+v, want %+v", got, want)
	}
}
