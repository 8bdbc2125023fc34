package engine

import (
	"math"
	"runtime"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/optim"
)

// heap is what the program holds after a collection, in bytes.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what pools held, too
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The memory that is announced before anything is allocated is what compiling
// and training take, within 5 %, whatever the optimizer, the precision and what
// the trainer keeps beside.
func TestFootprint(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 300)
	for _, k := range kinds {
		for _, c := range []struct {
			precision Precision
			train     TrainConfig
		}{
			{F32, TrainConfig{}},
			{F32, TrainConfig{Optimizer: optim.SGD{}}},
			{BF16, TrainConfig{Optimizer: optim.SGD{Momentum: 0.9}, EMA: 0.9}},
			{FP16, TrainConfig{Optimizer: optim.Lookahead{}, Accumulate: 2, EMA: 0.9}},
			{BF16, TrainConfig{Prefetch: true, Mixup: 0.5}},
			{F32, TrainConfig{Mesh: always(Mesh{Data: 3, MicroBatches: 2, Threads: 3}), Mixup: 0.5}},
			{F32, TrainConfig{Mesh: always(Mesh{Data: 5, Threads: 2}), EMA: 0.9}},
		} {
			cfg := Config{Batch: 256, Precision: c.precision}
			want, err := Footprint(k.layer, s.Shape, cfg, c.train)
			if err != nil {
				t.Fatal(err)
			}
			before := heap()
			n := mustCompile(t, k.layer, s.Shape, cfg)
			tr := mustTrain(t, n, c.train)
			if _, err := tr.Epoch(s); err != nil {
				t.Fatal(err)
			}
			got := heap() - before
			runtime.KeepAlive(tr)
			const plan = 40 << 10 // descriptions of layers and ops, the order of the rows
			if len(n.arena) >= kernel.HugePage {
				got -= 4 * (kernel.HugePage - 1) // addresses up to the first large page, which are never touched
			}
			if d := math.Abs(float64(got - want.Train)); d > 0.05*float64(want.Train)+plan {
				t.Errorf("%s with %v, %+v: %d bytes announced, %d taken", k.name, c.precision, c.train, want.Train, got)
			}
			if m := tr.Memory(); m != want {
				t.Errorf("%s with %v, %+v: %+v announced, %+v compiled", k.name, c.precision, c.train, want, m)
			}
			if want.Infer <= 0 || want.Infer >= want.Train {
				t.Errorf("%s with %v, %+v: %+v", k.name, c.precision, c.train, want)
			}
		}
	}
}

// The peak of inference of a chain of layers is the largest pair of neighbours.
func TestInferenceMemory(t *testing.T) {
	m, err := Footprint(Seq{Dense{Out: 32}, Tanh{}, Dense{Out: 64}, Tanh{}, Dense{Out: 16}}, data.Shape{16}, Config{Batch: 16}, TrainConfig{})
	if err != nil {
		t.Fatal(err)
	}
	params := int64(16*32 + 32 + 32*64 + 64 + 64*16 + 16)
	if want := 4 * (params + 16*(32+64)); m.Infer != want {
		t.Errorf("%d bytes, want %d", m.Infer, want)
	}
	if _, err := Footprint(Dense{Out: 1}, data.Shape{1}, Config{Batch: -1}, TrainConfig{}); err == nil {
		t.Error("a batch of -1 rows")
	}
	if _, err := Footprint(Dense{}, data.Shape{1}, Config{}, TrainConfig{}); err == nil {
		t.Error("a layer without size")
	}
}
