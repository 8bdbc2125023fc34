package engine

import (
	"bytes"
	"math"
	"runtime"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/optim"
)

// deep are networks of several blocks, for images of 8×8×2.
var deep = []struct {
	name  string
	layer Layer
}{
	{"mlp", Seq{Dense{Out: 32}, GELU{}, Dropout{P: 0.3}, Dense{Out: 32}, LayerNorm{}, GELU{}, Dense{Out: 32}, SiLU{}, Dense{Out: 4}}},
	{"cnn", Seq{Conv{Out: 8}, BatchNorm{}, ReLU{}, MaxPool{}, Seq{Conv{Out: 8}, BatchNorm{}, Dropout{P: 0.2}}, Conv{Out: 8}, GroupNorm{}, ReLU{}, Dense{Out: 4}}},
	{"resnet", Seq{Conv{Out: 8}, BatchNorm{}, ReLU{},
		Residual{Seq{Conv{Out: 8}, BatchNorm{}, ReLU{}, Conv{Out: 8}, BatchNorm{}}}, ReLU{},
		Residual{Seq{Conv{Out: 12, Stride: 2}, BatchNorm{}, ReLU{}, Conv{Out: 12}}}, ReLU{},
		Residual{Seq{BatchNorm{}, ReLU{}, Conv{Out: 12}}}, GlobalAvgPool{}, Dense{Out: 4}}},
	{"transformer", Seq{rowsOfImage, Dense{Out: 16, PerStep: true}, Positional{Learned: true}, Dropout{P: 0.1}, Transformer{Heads: 4, Dropout: 0.1},
		Transformer{Heads: 2, Causal: true, PostNorm: true, Dropout: 0.2}, Transformer{Heads: 2}, LayerNorm{}, LastStep{}, Dense{Out: 4}}},
	{"gru", Seq{rowsOfImage, GRU{Out: 12}, Dropout{P: 0.2}, GRU{Out: 8}, LastStep{}, Dense{Out: 4}}},
	{"branches", Seq{Conv{Out: 6}, ReLU{}, SqueezeExcite{}, Par{Branches: []Seq{{Conv{Out: 4}}, {}}, Concat: true}, Tanh{},
		Cell{Nodes: 3, Edges: []Edge{{From: 0, To: 1, Body: Seq{Conv{Out: 8}, ReLU{}}}, {From: 0, To: 2}, {From: 1, To: 2, Body: Seq{Conv{Out: 8, Kernel: 1}}}}},
		Upsample{}, Conv{Out: 4}, BatchNorm{}, ReLU{}, MaxPool{}, Dense{Out: 4}}},
}

// What is computed again changes no bit of weights, optimizer state, statistics and
// average, whatever the network, the precision and the mesh.
func TestRecomputeChangesNoBit(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 70)
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(slices.Concat(deep, deep, kinds)).Draw(rt, "network")
		cfg := TrainConfig{
			Epochs: 2, Seed: 7, EMA: rapid.SampledFrom([]float64{0, 0.9}).Draw(rt, "ema"), ClipNorm: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "clip"),
			Accumulate: rapid.IntRange(1, 3).Draw(rt, "accumulate"),
		}
		if threads := rapid.IntRange(1, 3).Draw(rt, "threads"); threads > 1 {
			cfg.Mesh = always(Threads(threads))
		}
		net := Config{Batch: rapid.IntRange(3, 20).Draw(rt, "batch"), Seed: 1, Precision: rapid.SampledFrom([]Precision{F32, BF16, FP16}).Draw(rt, "precision")}
		if net.Precision == FP16 {
			cfg.LossScale = &LossScale{Init: 0x1p127, Interval: 2} // overflows at first
		}
		train := func(r Recompute) []byte {
			c := cfg
			c.Mesh.Recompute = r
			tr := mustTrain(t, mustCompile(t, k.layer, s.Shape, net), c)
			for range 2 {
				if _, err := tr.Epoch(s); err != nil {
					rt.Fatal(err)
				}
				tr.KeepBest()
			}
			return checkpoint(rt, tr)
		}
		want := train(RecomputeNone)
		for _, r := range []Recompute{RecomputeBlocks, RecomputeAll} {
			if !bytes.Equal(want, train(r)) {
				rt.Fatalf("%s, recompute %s: another checkpoint than without", k.name, r)
			}
		}
	})
}

// A segment that runs again finds all that it reads, whatever else was in its memory in
// between.
func TestRecomputeReadsOnlyWhatItWrote(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 7)
	for _, k := range deep {
		grads := func(r Recompute) []float32 {
			n := mustCompile(t, k.layer, s.Shape, Config{Batch: 8, Seed: 1})
			if err := n.recomputing(r); err != nil {
				t.Fatal(err)
			}
			p := plan.Pass{Rows: 7, Train: true, Key: 3}
			targets := n.gather(s, []int32{0, 1, 2, 3, 4, 5, 6})
			n.forward(p)
			n.cfg.Loss.Gradient(n.y.Grad.Floats[:7*4], n.y.Data.Floats[:7*4], targets, 7)
			if r != RecomputeNone && slices.Max(n.plan.Runs) == 0 {
				t.Errorf("%s: nothing runs again", k.name)
			}
			for _, b := range n.plan.Blocks {
				if b.Pauses() && b.Size > 0 && !overlaps(n.plan.Blocks, b) {
					for i := range b.Floats {
						b.Floats[i] = float32(math.NaN())
					}
				}
			}
			n.backward(p)
			return n.Grads()
		}
		if !slices.Equal(grads(RecomputeNone), grads(RecomputeBlocks)) {
			t.Errorf("%s: gradients depend on what was to be computed again", k.name)
		}
	}
}

// overlaps reports whether a block that does not pause lies where b lies.
func overlaps(blocks []*plan.Block, b *plan.Block) bool {
	return slices.ContainsFunc(blocks, func(o *plan.Block) bool {
		return !o.Pauses() && o.Last != plan.Never && int64(o.Off) < int64(b.Off)+b.Size && int64(b.Off) < int64(o.Off)+o.Size
	})
}

// The running statistics move once a step, not once more where a norm runs again.
func TestRecomputeMovesStatisticsOnce(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 16)
	stats := func(r Recompute) []float32 {
		tr := mustTrain(t, mustCompile(t, deep[1].layer, s.Shape, Config{Batch: 16, Seed: 1}), TrainConfig{Mesh: Mesh{Recompute: r}})
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
		return tr.net.stats
	}
	if want := stats(RecomputeNone); !slices.Equal(want, stats(RecomputeBlocks)) || want[0] == 0 {
		t.Error("other running statistics")
	}
}

// What is computed again need not be kept: a deep network takes less memory, and as
// much as is announced.
func TestRecomputeTakesLessMemory(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 256)
	cnn, transformer := Seq{}, Seq{rowsOfImage}
	for range 6 {
		cnn = append(cnn, Conv{Out: 8}, BatchNorm{}, ReLU{}, Conv{Out: 8}, GroupNorm{}, SiLU{})
		transformer = append(transformer, Transformer{Heads: 4, Dropout: 0.1})
	}
	for _, c := range []struct {
		name  string
		layer Layer
		most  float64 // of the activations without
	}{{"cnn", append(cnn, Dense{Out: 4}), 0.55}, {"transformer", append(transformer, LastStep{}, Dense{Out: 4}), 0.3}} {
		for _, mesh := range []Mesh{{}, always(Threads(2))} {
			cfg := Config{Batch: 256}
			without, err := Footprint(c.layer, s.Shape, cfg, TrainConfig{Mesh: mesh})
			if err != nil {
				t.Fatal(err)
			}
			mesh.Recompute = RecomputeBlocks
			train := TrainConfig{Mesh: mesh, Optimizer: optim.SGD{}}
			want, err := Footprint(c.layer, s.Shape, cfg, train)
			if err != nil {
				t.Fatal(err)
			}
			if share := float64(want.Activations) / float64(without.Activations); share > c.most {
				t.Errorf("%s, %d threads: activations %d of %d bytes: %.2f, want at most %.2f", c.name, mesh.Threads, want.Activations, without.Activations, share, c.most)
			}
			before := heap()
			tr := mustTrain(t, mustCompile(t, c.layer, s.Shape, cfg), train)
			got := heap() - before
			runtime.KeepAlive(tr)
			for _, l := range tr.lanes {
				if len(l.net.arena) >= kernel.HugePage {
					got -= 4 * (kernel.HugePage - 1) // addresses up to the first large page, which are never touched
				}
			}
			if d := math.Abs(float64(got - want.Train)); d > 0.05*float64(want.Train)+80<<10 {
				t.Errorf("%s, %d threads: %d bytes announced, %d taken", c.name, mesh.Threads, want.Train, got)
			}
			if m := tr.Memory(); m != want {
				t.Errorf("%s, %d threads: %+v announced, %+v compiled", c.name, mesh.Threads, want, m)
			}
		}
	}
}

// A word that is none of the choices is an error.
func TestRecomputeFits(t *testing.T) {
	n := mustCompile(t, Dense{Out: 3}, data.Shape{5}, Config{})
	if _, err := NewTrainer(n, TrainConfig{Mesh: Mesh{Recompute: "some"}}); err == nil {
		t.Error("recompute some")
	}
}
