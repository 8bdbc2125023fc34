package engine

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/loss"
	"budwood/engine/optim"
)

// always lets small networks have as many lanes as they are given threads.
func always(m Mesh) Mesh {
	m.always = true
	return m
}

// checkpoint is a trainer's.
func checkpoint(t rapid.TB, tr *Trainer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := tr.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// How many lanes compute the pieces of a step changes no bit of weights, optimizer
// state, statistics and average, which are all in the checkpoint, whatever the
// network, the optimizer and the precision; and they are those of as many batches
// that are accumulated.
func TestLanesChangeNoBit(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 70)
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(rt, "network")
		shards, micro := rapid.IntRange(1, 5).Draw(rt, "data"), rapid.IntRange(1, 3).Draw(rt, "micro-batches")
		rows := rapid.IntRange(1, 5).Draw(rt, "rows")
		cfg := TrainConfig{
			Optimizer: rapid.SampledFrom(everything.optimizers).Draw(rt, "optimizer"), Epochs: 2,
			EMA: rapid.SampledFrom([]float64{0, 0.9}).Draw(rt, "ema"), ClipNorm: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "clip"),
			ClipValue: rapid.SampledFrom([]float64{0, 0.01}).Draw(rt, "value"),
			Groups:    []Group{{Vectors: true, NoDecay: true, Rate: 2}}, Seed: 7,
		}
		if rapid.Bool().Draw(rt, "scaled") {
			cfg.LossScale = &LossScale{Init: 0x1p127, Interval: 2} // overflows at first
		}
		net := Config{Seed: 1, Precision: rapid.SampledFrom([]Precision{F32, BF16, FP16}).Draw(rt, "precision")}
		switch rapid.IntRange(0, 2).Draw(rt, "loss") {
		case 1:
			cfg.Mixup = 0.5
		case 2:
			net.Loss = loss.CrossEntropy{Weights: []float32{1, 0, 2, 0.3}}
		}
		net.CPU = rapid.SampledFrom([]string{"", "", "avx2", "generic"}).Draw(rt, "kernels")
		if !kernel.Has(net.CPU) {
			net.CPU = ""
		}
		var want []byte
		train := func(batch int, c TrainConfig) {
			net.Batch = batch
			tr := mustTrain(t, mustCompile(t, k.layer, s.Shape, net), c)
			if threads := max(c.Mesh.Threads, 1); len(tr.lanes) != threads {
				rt.Fatalf("%d lanes for %d threads", len(tr.lanes), threads)
			}
			for range 2 {
				if _, err := tr.Epoch(s); err != nil {
					rt.Fatal(err)
				}
				tr.KeepBest()
			}
			got := checkpoint(rt, tr)
			if want == nil {
				want = got
			} else if !bytes.Equal(want, got) {
				rt.Fatalf("%s, batch %d, %+v: another checkpoint than of one lane", k.name, batch, c.Mesh)
			}
		}
		for threads := range shards {
			c := cfg
			c.Mesh = always(Mesh{Data: shards, MicroBatches: micro, Threads: threads + 1})
			c.Mesh.turns = rapid.Bool().Draw(rt, "in turn")
			train(rows*shards*micro, c)
		}
		cfg.Accumulate = shards * micro
		train(rows, cfg)
	})
}

// A mesh makes the gradient of one batch of all rows, but for rounding.
func TestLanesComputeTheBatch(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 48)
	l := Seq{Conv{Out: 8}, ReLU{}, MaxPool{}, Dense{Out: 32}, LayerNorm{}, GELU{}, Dense{Out: 4}}
	step := func(m Mesh) []float32 {
		tr := mustTrain(t, mustCompile(t, l, s.Shape, Config{Batch: 48, Seed: 2}), TrainConfig{Optimizer: optim.SGD{}, Mesh: always(m)})
		if _, err := tr.Step(s); err != nil {
			t.Fatal(err)
		}
		return tr.net.grads
	}
	want := step(Mesh{})
	for _, m := range []Mesh{Threads(2), {Data: 3, MicroBatches: 3, Threads: 2}, {Data: 7, Threads: 3}, {Data: 3, MicroBatches: 5, Threads: 2, Zero: 2}} {
		var diff, norm float64
		for i, g := range step(m) {
			d := float64(g) - float64(want[i])
			diff, norm = diff+d*d, norm+float64(want[i])*float64(want[i])
		}
		if e := math.Sqrt(diff / norm); e > 2e-6 {
			t.Errorf("%+v: the gradient is %g off", m, e)
		}
	}
}

// From zero 2 on the shards are added up before the micro-batches: of one shard that is
// the tree of all, of several it is another one.
func TestRoundsAreATreeOfTheirOwn(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 40)
	for shards := 1; shards <= 4; shards++ {
		for micro := 1; micro <= 5; micro++ {
			train := func(zero int) []byte {
				n := mustCompile(t, Seq{Dense{Out: 20}, BatchNorm{}, ReLU{}, Dense{Out: 4}}, s.Shape, Config{Batch: 20})
				tr := mustTrain(t, n, TrainConfig{Mesh: Mesh{Data: shards, MicroBatches: micro, Zero: zero}})
				if _, err := tr.Epoch(s); err != nil {
					t.Fatal(err)
				}
				return checkpoint(t, tr)
			}
			if same := bytes.Equal(train(0), train(2)); same != (shards == 1 || micro == 1) {
				t.Errorf("data %d, micro-batches %d: equal bits %v", shards, micro, same)
			}
		}
	}
}

// A loss, a gradient or a weight that is not finite on one lane is the same error on
// any number of lanes, and nobody waits for ever.
func TestLanesDivergeAlike(t *testing.T) {
	for row := range 24 {
		var want string
		for threads := 1; threads <= 4; threads++ {
			s := blobs(data.Shape{5}, 3, 24)
			s.X[row*5] = float32(math.NaN())
			tr := mustTrain(t, mustCompile(t, Seq{Dense{Out: 8}, BatchNorm{}, ReLU{}, Dense{Out: 3}}, s.Shape, Config{Batch: 12}),
				TrainConfig{Mesh: always(Mesh{Data: 4, Threads: threads}), ClipNorm: 1})
			_, err := tr.Epoch(s)
			if !errors.Is(err, ErrDiverged) {
				t.Fatalf("row %d, %d threads: %v", row, threads, err)
			}
			if want == "" {
				want = err.Error()
			}
			if err.Error() != want {
				t.Errorf("row %d, %d threads: %v, want %s", row, threads, err, want)
			}
		}
	}
}

// What a user's augmentation panics with reaches the caller, whatever lane it was on,
// and training can go on.
func TestLanesPanicToTheCaller(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 12)
	for _, call := range []int32{1, 5, 12} {
		a := &counting{at: call}
		tr := mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 12}), TrainConfig{Mesh: always(Threads(3)), Augment: a})
		func() {
			defer func() {
				if p := recover(); p != fmt.Sprint("call ", call) {
					t.Errorf("call %d: %v", call, p)
				}
			}()
			tr.Step(s)
		}()
		if _, err := tr.Epoch(s); err != nil {
			t.Error(err)
		}
	}
}

// counting panics in one of its calls, and where two are made at once.
type counting struct{ calls, at, inside int32 }

func (c *counting) Fits(data.Shape) error { return nil }

func (c *counting) Augment(x []float32, _ data.Shape, _ *rand.Rand) {
	if atomic.AddInt32(&c.inside, 1) > 1 {
		panic("two at once")
	}
	defer atomic.AddInt32(&c.inside, -1)
	if n := atomic.AddInt32(&c.calls, 1); n == c.at {
		panic(fmt.Sprint("call ", n))
	}
}

// After the first, a step of many lanes allocates nothing.
func TestLanesDoNotAllocate(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 8*20)
	for _, k := range kinds {
		tr := mustTrain(t, mustCompile(t, k.layer, s.Shape, Config{Batch: 8}),
			TrainConfig{Mesh: always(Mesh{Data: 4, Threads: 3}), ClipNorm: 1, EMA: 0.9, LossScale: &LossScale{}})
		if a := testing.AllocsPerRun(10, func() {
			if _, err := tr.Step(s); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %g allocations a step", k.name, a)
		}
	}
}

// A step that is too small for more threads is computed by one; a cut that is not
// possible is an error that says what is.
func TestMeshFits(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 12)
	n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 12})
	if tr := mustTrain(t, n, TrainConfig{Mesh: Threads(2)}); len(tr.lanes) != 1 || len(tr.losses) != 2 {
		t.Errorf("a tiny network has %d lanes and %d micro-batches", len(tr.lanes), len(tr.losses))
	}
	wide := mustCompile(t, Seq{Dense{Out: 300}, ReLU{}, Dense{Out: 300}, Dense{Out: 3}}, s.Shape, Config{Batch: 128})
	if tr := mustTrain(t, wide, TrainConfig{Mesh: Threads(2)}); len(tr.lanes) != 2 {
		t.Errorf("a wide network has %d lanes", len(tr.lanes))
	}
	for _, c := range []struct {
		cfg  TrainConfig
		want string
	}{
		{TrainConfig{Mesh: Mesh{Data: 2, Threads: 4}}, "use at most 2 threads, or data 4"},
		{TrainConfig{Mesh: Mesh{Data: 13}}, "use at most 12"},
		{TrainConfig{Mesh: Mesh{Data: 4, MicroBatches: 4}}, "use at most 3 micro_batches"},
		{TrainConfig{Mesh: Mesh{Data: 2, MicroBatches: 1}, Accumulate: 5}, "use at least 3 micro_batches"},
		{TrainConfig{Mesh: Mesh{Threads: -1}}, "below 0"},
		{TrainConfig{Mesh: Mesh{Data: 1 << 40, MicroBatches: 1 << 40}}, "above"},
	} {
		if _, err := NewTrainer(n, c.cfg); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%+v: %v, want %q", c.cfg.Mesh, err, c.want)
		}
	}
	tr := mustTrain(t, n, TrainConfig{Mesh: Threads(2)})
	if err := tr.Swap(n, nil); err == nil || !strings.Contains(err.Error(), "mesh") {
		t.Errorf("swap: %v", err)
	}
}

// The lanes share out the rows of an evaluation: score and outputs are the same bits
// on any number of them, and those of the network alone but for rounding.
func TestLanesEvaluateAlike(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		k := rapid.SampledFrom(kinds).Draw(rt, "network")
		s := blobs(data.Shape{8, 8, 2}, 4, rapid.IntRange(1, 70).Draw(rt, "rows"))
		net := Config{Batch: rapid.IntRange(4, 20).Draw(rt, "batch"), Seed: 1}
		if rapid.Bool().Draw(rt, "regression") {
			net.Loss, s.Classes, s.Outputs = loss.MSE{}, 0, 4
			for i := range s.Len() * 4 {
				s.Target = append(s.Target, float32(i%7))
			}
			s.Class = nil
		}
		var want, alone Score
		var first []float32
		for threads := 1; threads <= 4; threads++ {
			tr := mustTrain(t, mustCompile(t, k.layer, s.Shape, net), TrainConfig{Mesh: always(Mesh{Data: 4, Threads: threads})})
			out := make([]float32, s.Len()*4)
			got, err := tr.EvaluateTo(out, s)
			if err != nil {
				rt.Fatal(err)
			}
			if threads == 1 {
				want, first = got, out
				if alone, err = tr.net.Evaluate(s); err != nil {
					rt.Fatal(err)
				}
			}
			sameBits(rt, "outputs", first, out)
			if got != want {
				rt.Fatalf("%d threads: %+v, want %+v", threads, got, want)
			}
		}
		if math.Abs(want.Loss-alone.Loss) > 1e-5*(1+alone.Loss) || math.Abs(want.R2-alone.R2) > 1e-5*(1+math.Abs(alone.R2)) {
			rt.Fatalf("%+v on a mesh, %+v alone", want, alone)
		}
	})
}

// The lanes take turns where that is faster, and it is found out again and again.
func TestPace(t *testing.T) {
	for _, cost := range [][2]time.Duration{{3, 2}, {2, 3}} {
		p, turns := pace{}, 0
		for range 2 * paceEvery {
			turn := p.next()
			took := cost[0]
			if turn {
				took = cost[1]
				turns++
			}
			p.done(took*time.Second, 4)
		}
		few, many := paceProbes, 2*paceEvery-paceProbes
		if want := map[bool]int{true: many, false: few}[cost[1] < cost[0]]; turns != want {
			t.Errorf("%v: %d turns of %d, want %d", cost, turns, 2*paceEvery, want)
		}
	}
}

// Work beside the calling goroutine goes through Lane, once a lane and step.
func TestLaneIsCalled(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 12)
	var calls atomic.Int32
	m := always(Threads(3))
	m.Lane = func(work func()) { calls.Add(1); work() }
	tr := mustTrain(t, mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 6}), TrainConfig{Mesh: m})
	if _, err := tr.Epoch(s); err != nil || calls.Load() != 4 {
		t.Errorf("%d calls in two steps of three lanes, %v", calls.Load(), err)
	}
}
