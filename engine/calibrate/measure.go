// Package calibrate measures how fast the engine computes on this machine, for its
// predictions of time: see [engine.Machine].
package calibrate

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
	"budwood/engine/optim"
)

// Measure measures this machine in some seconds of processor time. What the machine does
// besides disturbs it little: all but the links is measured by the time of the
// processor, and of many short turns the fastest counts.
func Measure(ctx context.Context) (*engine.Machine, error) {
	level, err := kernel.CPU()
	if err != nil {
		return nil, err
	}
	m := &engine.Machine{Name: fmt.Sprintf("%s, %d processors", level, runtime.GOMAXPROCS(0)), Cores: runtime.GOMAXPROCS(0), Date: time.Now().UTC().Truncate(time.Second)}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m.Peak = kernel.Peak(rounds) / fastest(func() { kernel.Peak(rounds) })
	for _, n := range []int{8, 16, 32, 64, 128, 256, 512} {
		m.Widths = append(m.Widths, engine.Width{Columns: n, FLOPS: products(n)})
	}
	m.Memory = memory()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r, err := newRuns(engine.F32)
	if err != nil {
		return nil, err
	}
	if err := r.time(ctx, turns); err != nil {
		return nil, err
	}
	m.Step = step()
	m.Each = engine.WorkOf(bounded(r.work(), r.seconds(m.Step), floors(m)))
	if err := infer(ctx, m, newSteady()); err != nil {
		return nil, err
	}
	if err := half(ctx, m); err != nil {
		return nil, err
	}
	if err := together(ctx, m); err != nil {
		return nil, err
	}
	if m.Links, err = links(ctx); err != nil {
		return nil, err
	}
	return m, m.Validate()
}

const (
	rounds = 1 << 12 // of a turn of multiply-adds on registers
	turns  = 25      // of each reference
)

// fastest is the least seconds of processor time of f.
func fastest(f func()) float64 {
	f()
	least, calls := math.Inf(1), 1
	for turn := 0; turn < 8; {
		began := Clock()
		for range calls {
			f()
		}
		took := Clock() - began
		if took < 4e-4 && calls < 1<<20 {
			calls *= 2
			continue
		}
		least = min(least, took/float64(calls))
		turn++
	}
	return least
}

// short is the seconds of a product of these dimensions.
func short(m, n, k int) float64 {
	g := kernel.Gemm{M: m, N: n, K: k, A: random(m * k), RowA: k, ColA: 1, B: random(k * n), RowB: n, C: kernel.Floats(m * n), RowC: n}
	g.Pack = kernel.Floats(g.PackSize())
	return fastest(g.Run)
}

// products is the operations a second of products n columns wide.
func products(n int) float64 {
	const m, k = 128, 128
	return 2 * float64(m*n*k) / short(m, n, k)
}

// memory is the bytes a second that are read from memory and written to it.
func memory() float64 {
	const n = 8 << 20
	a, b := kernel.Floats(n), kernel.Floats(n)
	return 8 * n / fastest(func() { copy(a, b) })
}

// step is the seconds of a byte that AdamW reads or writes.
func step() float64 {
	const n = 1 << 17
	s := &optim.Span{W: random(n), G: random(n), State: [][]float32{kernel.Floats(n), kernel.Floats(n)}, LR: 1e-3, T: 10, Decay: 1}
	return fastest(func() { optim.AdamW{}.Step(s) }) / (stepped * n)
}

// stepped is the bytes that AdamW reads and writes of a parameter: weight, gradient and
// two moments, and all but the gradient again.
const stepped = 28

// floors are the least seconds of each kind of work, as far as they are known from what
// does nothing else.
func floors(m *engine.Machine) []float64 {
	const n = 1 << 16
	a, b := random(n), random(n)
	var w engine.Work
	w.Products = 1 / m.Widths[len(m.Widths)-2].FLOPS
	w.Outputs = max(0, short(256, 64, 8)-2*256*64*8*w.Products) / (256 * 64)
	w.Calls = max(0, short(14, 16, 9)-2*14*16*9*w.Products-14*16*w.Outputs)
	w.Bytes = fastest(func() { kernel.Add(a, b) }) / (12 * n)
	w.Functions = max(0, fastest(func() { kernel.GELU(b, a) })/n-8*w.Bytes)
	w.Rows = 1 / m.Memory
	return w.Kinds()
}

func random(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 1))
	x := kernel.Floats(n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// run is a reference that is trained.
type run struct {
	reference
	trainer *engine.Trainer
	set     *data.Set
	least   float64 // seconds of a step
}

type runs struct {
	list      []*run
	precision engine.Precision
}

// newRuns are all references, or the numbered ones.
func newRuns(p engine.Precision, which ...int) (*runs, error) {
	r := &runs{precision: p}
	if len(which) == 0 {
		for i := range references {
			which = append(which, i)
		}
	}
	for _, i := range which {
		ref := references[i]
		t, err := ref.train(p, engine.Mesh{})
		if err != nil {
			return nil, err
		}
		r.list = append(r.list, &run{ref, t, ref.samples(4), math.Inf(1)})
	}
	return r, nil
}

// train compiles a reference for training.
func (r *reference) train(p engine.Precision, m engine.Mesh) (*engine.Trainer, error) {
	n, err := engine.Compile(r.layers, r.in, engine.Config{Batch: r.batch, Seed: 1, Precision: p})
	if err != nil {
		return nil, err
	}
	return engine.NewTrainer(n, engine.TrainConfig{Seed: 1, Mesh: m})
}

// time trains all in turns.
func (r *runs) time(ctx context.Context, turns int) error {
	for range turns {
		for _, x := range r.list {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			steps, began := x.trainer.Steps(), Clock()
			for Clock()-began < 1.5e-3 {
				if _, err := x.trainer.Epoch(x.set); err != nil {
					return err
				}
			}
			x.least = min(x.least, (Clock()-began)/float64(x.trainer.Steps()-steps))
		}
	}
	return nil
}

// work is that of a step of each, by its kinds.
func (r *runs) work() (out [][]float64) {
	for _, x := range r.list {
		w, err := engine.StepWork(x.layers, x.in, engine.Config{Batch: x.batch, Precision: r.precision}, engine.TrainConfig{})
		if err != nil {
			panic(err) // it was compiled
		}
		out = append(out, w.Kinds())
	}
	return out
}

// seconds is what a step of each takes beside the optimizer.
func (r *runs) seconds(step float64) (out []float64) {
	for _, x := range r.list {
		out = append(out, max(x.least-step*stepped*float64(x.trainer.Net().Cost().Params), x.least/10))
	}
	return out
}

// half measures products of half the precision.
func half(ctx context.Context, m *engine.Machine) error {
	m.BF16, m.FP16 = 1, 1
	for _, p := range []engine.Precision{engine.BF16, engine.FP16} {
		r, err := newRuns(p, wide)
		if err != nil {
			return err
		}
		if err := r.time(ctx, turns/2); err != nil {
			return err
		}
		w := engine.WorkOf(r.work()[0])
		rest := w
		rest.Products = 0
		share := max(0.05, (r.seconds(m.Step)[0]-rest.Time(m.Each))/(w.Time(m.Each)-rest.Time(m.Each)))
		if p == engine.BF16 {
			m.BF16 = share
		} else {
			m.FP16 = share
		}
	}
	return nil
}
