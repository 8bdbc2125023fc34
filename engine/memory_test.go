package engine

import (
	"errors"
	"math"
	"math/bits"
	"runtime"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
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
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	s := blobs(data.Shape{8, 8, 2}, 4, 300)
	for i, k := range kinds {
		for j, c := range []struct {
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
			if testing.Short() && (i+j)%4 > 0 {
				continue
			}
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

// ranksOf is a network of equal layers, so many parameters each, and a mesh of ranks
// for it, each layer a unit.
func ranksOf(width, layers, ranks, threads, micro, zero int) (l Seq, layer int, c TrainConfig) {
	for range layers {
		l = append(l, Dense{Out: width}, BatchNorm{}, ReLU{})
	}
	layer = width*width + 3*width
	m := always(Mesh{Data: ranks * threads, MicroBatches: micro, Threads: threads, Zero: zero, World: &World{Ranks: ranks}})
	m.bucket = layer
	return append(l, Dense{Out: 4}), layer, TrainConfig{EMA: 0.9, ClipNorm: 1, Mesh: m}
}

// What the ranks of a process take together is what is announced for each.
func TestFootprintOfRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	const width, n = 128, 3
	s := blobs(data.Shape{width}, 4, 60)
	for zero := range 4 {
		for _, c := range [][2]int{{1, 1}, {2, 1}, {1, 3}, {2, 3}} {
			threads, micro := c[0], c[1]
			layers, _, train := ranksOf(width, 4, n, threads, micro, zero)
			cfg := Config{Batch: 2 * n * threads * micro}
			first, err := Footprint(layers, s.Shape, cfg, train)
			if err != nil {
				t.Fatal(err)
			}
			all := links(t, "lanes", n)
			trainers := make([]*Trainer, n)
			before := heap()
			err = errors.Join(onRanks(all, func(rank int, l mesh.Link) error {
				c, err := Compile(layers, s.Shape, cfg)
				if err != nil {
					return err
				}
				train := train
				train.Mesh.World = &World{l, n}
				if trainers[rank], err = NewTrainer(c, train); err != nil {
					return err
				}
				_, err = trainers[rank].Epoch(s)
				return err
			})...)
			if err != nil {
				t.Fatal(err)
			}
			got, want := heap()-before, int64(0)
			for _, tr := range trainers {
				want += tr.Memory().Train
			}
			plan := n * threads * (50 << 10) // descriptions of layers and ops, the order of the rows, the groups
			if d := math.Abs(float64(got - want)); d > 0.05*float64(want)+float64(plan) {
				t.Errorf("zero %d, %d threads, %d micro-batches: %d bytes announced, %d taken", zero, threads, micro, want, got)
			}
			if m := trainers[0].Memory(); m != first {
				t.Errorf("zero %d, %d threads, %d micro-batches: %+v announced, %+v compiled", zero, threads, micro, first, m)
			}
			runtime.KeepAlive(trainers)
		}
	}
}

// Of parameters, gradients and optimizer state a rank has what Rajbhandari et al. (2020),
// figure 1, say: every stage of zero shares another part. w = g = 4 bytes, g for each
// lane; AdamW with an average has s = 12. Units add two buffers of each lane.
func TestZeroSharesState(t *testing.T) {
	for _, n := range []int{2, 8, 64} {
		for zero := range 4 {
			for _, c := range [][2]int{{1, 1}, {2, 1}, {1, 3}, {2, 5}} {
				threads, micro := c[0], c[1]
				if zero < 2 && micro > 1 {
					continue // sums of micro-batches that wait, too
				}
				l, layer, train := ranksOf(1024, 12, n, threads, micro, zero)
				m, err := Footprint(l, data.Shape{1024}, Config{Batch: n * threads * micro}, train)
				if err != nil {
					t.Fatal(err)
				}
				psi, buckets := 4*float64(12*layer+4*1024+4), 2*4*float64(layer)
				w, g, state := psi, float64(threads)*psi, 3*psi
				if zero >= 1 {
					state /= float64(n)
				}
				if zero >= 2 {
					g = psi/float64(n) + float64(threads)*buckets + float64(bits.Len(uint(micro))-1)*psi/float64(n)
				}
				if zero >= 3 {
					w = psi/float64(n) + buckets
				}
				if got := float64(m.Params + m.Grads + m.Optimizer); math.Abs(got-w-g-state) > 0.05*(w+g+state) {
					t.Errorf("%d ranks, zero %d, %d threads, %d micro-batches: %g bytes of state, the formula says %g", n, zero, threads, micro, got, w+g+state)
				}
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
