package engine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/loss"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// staged is a network with two tensors in each of several blocks.
var staged = Seq{Dense{Out: 40}, BatchNorm{}, ReLU{}, Dropout{P: 0.1}, Dense{Out: 30}, GELU{}, Seq{Residual{Seq{Dense{Out: 30}, Dropout{P: 0.2}}}, Dense{Out: 24}, BatchNorm{}}, Dense{Out: 4}}

// Stages of a network change no bit of weights, optimizer, statistics and checkpoints,
// however they are placed: on lanes of one process, on ranks, in turn.
func TestStagesChangeNoBit(t *testing.T) {
	s := blobs(data.Shape{8, 8, 2}, 4, 41)
	left := math.MaxInt
	if testing.Short() {
		left = 12
	}
	rapid.Check(t, func(rt *rapid.T) {
		if left--; left < 0 {
			return
		}
		layer := Layer(staged)
		if rapid.Bool().Draw(rt, "small") {
			layer = rapid.SampledFrom(kinds).Draw(rt, "network").layer
		}
		shards, micro := rapid.IntRange(1, 3).Draw(rt, "data"), rapid.IntRange(1, 6).Draw(rt, "micro-batches")
		q := tensorRun{layer: layer, set: s, train: TrainConfig{
			Optimizer: rapid.SampledFrom(everything.optimizers).Draw(rt, "optimizer"), Epochs: 2,
			Schedule: optim.Plateau{Patience: -1, Then: optim.Constant{LR: 0.01}},
			EMA:      rapid.SampledFrom([]float64{0, 0.9}).Draw(rt, "ema"), ClipNorm: rapid.SampledFrom([]float64{0, 0.1}).Draw(rt, "clip"),
			ClipValue: rapid.SampledFrom([]float64{0, 0.01}).Draw(rt, "value"),
			Groups:    []Group{{Vectors: true, NoDecay: true, Rate: 2}},
			Prefetch:  rapid.Bool().Draw(rt, "prefetch"), Seed: 7,
		}}
		if layer.String() == staged.String() && rapid.Bool().Draw(rt, "frozen") {
			q.train.Groups = append(q.train.Groups, Group{Names: []string{"4.weight"}, Frozen: true})
		}
		if rapid.Bool().Draw(rt, "scaled") {
			q.train.LossScale = &LossScale{Init: 0x1p127, Interval: 2} // overflows at first
		}
		if rapid.Bool().Draw(rt, "masked") {
			n := mustCompile(t, layer, s.Shape, Config{})
			for i := range n.params {
				q.train.Mask = append(q.train.Mask, float32(min(i%3, 1)))
			}
		}
		q.config = Config{Seed: 1, Batch: shards*micro + rapid.IntRange(0, 12).Draw(rt, "rows"), Precision: rapid.SampledFrom([]Precision{F32, BF16, FP16}).Draw(rt, "precision")}
		switch rapid.IntRange(0, 3).Draw(rt, "loss") {
		case 1:
			q.train.Mixup = 0.5
		case 2:
			q.config.Loss = loss.CrossEntropy{Weights: []float32{1, 0, 2, 0.3}}
		case 3:
			q.train.Augment, q.train.Mixup = data.Augmentation{Crop: 1}, 0.3
		}
		m := always(Mesh{Data: shards, MicroBatches: micro})
		want, score, outputs, err := q.do(m, nil)
		if err != nil {
			rt.Fatal(err)
		}
		for _, from := range [][]byte{nil, want[0].Bytes()} {
			m := m
			m.Pipeline = rapid.IntRange(2, 3).Draw(rt, "stages")
			m.Recompute = rapid.SampledFrom([]Recompute{RecomputeNone, RecomputeBlocks, RecomputeAll}).Draw(rt, "recompute")
			k := rapid.IntRange(1, shards).Draw(rt, "lanes or ranks of a stage")
			ranks := rapid.Bool().Draw(rt, "ranks")
			if m.Threads, m.turns = rapid.SampledFrom([]int{1, m.Pipeline * k, m.Pipeline * k}).Draw(rt, "threads"), rapid.Bool().Draw(rt, "turns"); ranks {
				m.Threads, m.Zero = rapid.IntRange(1, shards).Draw(rt, "threads of a rank"), rapid.IntRange(0, 1).Draw(rt, "zero")
			}
			if _, err := stagesFor(layer, s.Shape, data.Shape{4}, new(Config).ready(), &TrainConfig{Mesh: m}, nil); err != nil {
				continue // too few blocks
			}
			if !ranks {
				got, gotScore, gotOutputs, err := q.do(m, from)
				if err != nil {
					rt.Fatalf("%+v: %v", m, err)
				}
				if gotScore != score || !bytes.Equal(mesh.Bytes(gotOutputs), mesh.Bytes(outputs)) {
					rt.Fatalf("%+v: score %+v, want %+v", m, gotScore, score)
				}
				for i := range got {
					if (i == 1 || from == nil) && !bytes.Equal(got[i].Bytes(), want[i].Bytes()) {
						rt.Fatalf("%+v: checkpoint %d is another one than without stages", m, i)
					}
				}
				continue
			}
			onStages(rt, &q, m, m.Pipeline*k, from, want, score, outputs)
		}
	})
}

// onStages trains on so many ranks, and compares.
func onStages(t rapid.TB, q *tensorRun, m Mesh, n int, from []byte, want [2]bytes.Buffer, score Score, outputs []float32) {
	t.Helper()
	kind := "lanes"
	if n%2 > 0 {
		kind = "messages"
	}
	all := links(t, kind, n)
	err := errors.Join(onRanks(all, func(rank int, l mesh.Link) error {
		m := m
		m.World = &World{l, n}
		got, s, o, err := q.do(m, from)
		switch {
		case err != nil:
			return fmt.Errorf("rank %d: %w", rank, err)
		case s != score || !bytes.Equal(mesh.Bytes(o), mesh.Bytes(outputs)):
			return fmt.Errorf("rank %d: score %+v, want %+v, or other outputs or best weights", rank, s, score)
		case rank > 0 && got[1].Len() > 0:
			return errors.New("a rank that is not 0 writes")
		case rank == 0 && (from == nil && !bytes.Equal(got[0].Bytes(), want[0].Bytes()) || !bytes.Equal(got[1].Bytes(), want[1].Bytes())):
			return errors.New("another checkpoint than that of one rank")
		}
		return nil
	})...)
	for _, l := range all {
		l.Close(nil)
	}
	if err != nil {
		t.Fatalf("%+v, %d ranks: %v", m, n, err)
	}
}

// ready is a configuration with its defaults.
func (c *Config) ready() *Config { d := c.defaults(); return &d }

// Stages are cut where the slowest takes the least time, between blocks, and each has
// parameters.
func TestStagesAreBalanced(t *testing.T) {
	c := new(Config).ready()
	for _, k := range []struct {
		layer  Layer
		stages int
		want   string
	}{
		{Seq{Dense{Out: 256}, ReLU{}, Dense{Out: 256}, ReLU{}, Dense{Out: 256}, ReLU{}, Dense{Out: 256}}, 2, "[0 4 7]"},
		{Seq{Dense{Out: 256}, ReLU{}, Dense{Out: 256}, BatchNorm{}, ReLU{}, Dense{Out: 256}, ReLU{}, Dense{Out: 256}}, 4, "[0 2 5 7 8]"},
		{Seq{Dense{Out: 16}, Dense{Out: 16}, Dense{Out: 4096}, Dense{Out: 256}}, 2, "[0 3 4]"},
		{Seq{Dense{Out: 64}, ReLU{}, Dense{Out: 4}}, 3, "mesh.pipeline: 3 stages, but the network has only 2 blocks with parameters that it can be cut between: use at most 2"},
		{Seq{Dense{Out: 64}, ReLU{}}, 3, "mesh.pipeline: the network has no two blocks with parameters that it can be cut between: leave mesh.pipeline out"},
		{Residual{Seq{Dense{Out: 256}, Dense{Out: 256}}}, 2, "mesh.pipeline: the network has no two blocks with parameters that it can be cut between: leave mesh.pipeline out"},
	} {
		in := data.Shape{256}
		out, err := k.layer.Infer(in)
		if err != nil {
			t.Fatal(err)
		}
		at, err := cutStages(k.layer, in, out, c, k.stages, 32)
		got := fmt.Sprint(at)
		if err != nil {
			got = err.Error()
		}
		if got != k.want {
			t.Errorf("%v in %d stages: %s, want %s", k.layer, k.stages, got, k.want)
		}
	}
}

// What cannot be together is one line that says what would fit.
func TestPipelinesThatDoNotFit(t *testing.T) {
	for _, k := range []struct {
		mesh Mesh
		want string
	}{
		{Mesh{Pipeline: -1}, "pipeline -1 is outside"},
		{Mesh{Pipeline: 2, Threads: 3}, "3 threads cannot share 2 stages out: use 1 thread or a multiple of 2"},
		{Mesh{Pipeline: 2, Threads: 4, Data: 1}, "use at most 2 threads, or data 2"},
		{Mesh{Pipeline: 2, Zero: 2, World: &World{Ranks: 2}}, "use zero 0 or 1"},
		{Mesh{Pipeline: 2, Data: 2, World: &World{Ranks: 5}}, "5 ranks do not fit data 2 and pipeline 2: use 1 to 2 ranks, or 2 times as many"},
		{Mesh{Pipeline: 2, Data: 2, Tensor: 3, World: &World{Ranks: 5}}, "5 ranks do not fit data 2, tensor 3 and pipeline 2: use 1 to 2 ranks, or 6 times as many"},
		{Mesh{Pipeline: 2, Auto: true}, "auto chooses no pipeline"},
		{Mesh{Pipeline: 2, Data: 2}, "data 2 × micro_batches 8 = 16 micro-batches are more than the 12 rows of a step: use at most 6 micro_batches"},
	} {
		if err := k.mesh.Fits(12, 1); err == nil || !strings.Contains(err.Error(), k.want) {
			t.Errorf("%+v: %v, want %s", k.mesh, err, k.want)
		}
	}
}

// What is not finite is the same error on all ranks of all stages, that of one rank; and on
// the lanes of a process.
func TestStagesDivergeAlike(t *testing.T) {
	layer := Seq{Dense{Out: 12}, ReLU{}, Dense{Out: 9}, ReLU{}, Dense{Out: 3}}
	kinds := []func(*data.Set, *TrainConfig){
		func(s *data.Set, _ *TrainConfig) { s.X[30] = float32(math.NaN()) },
		func(s *data.Set, _ *TrainConfig) { s.X[30] = float32(math.Inf(1)) },
		func(_ *data.Set, c *TrainConfig) {
			c.ClipNorm, c.Schedule, c.Optimizer = 0, optim.Constant{LR: math.MaxFloat32}, optim.SGD{Momentum: 0.9}
		},
		func(s *data.Set, _ *TrainConfig) { s.X[7] = 1e30 },
	}
	for kind, change := range kinds {
		run := func(m Mesh) error {
			s := blobs(data.Shape{5}, 3, 24)
			cfg := TrainConfig{Mesh: always(m), ClipNorm: 1}
			change(s, &cfg)
			n, err := Compile(layer, s.Shape, Config{Batch: 12})
			if err != nil {
				return err
			}
			tr, err := NewTrainer(n, cfg)
			for range 3 {
				if err == nil {
					_, err = tr.Epoch(s)
				}
			}
			return err
		}
		want := run(Mesh{Data: 2, MicroBatches: 3})
		if !errors.Is(want, ErrDiverged) && kind < 3 { // the last one is finite with some instruction sets
			t.Fatalf("kind %d: %v", kind, want)
		}
		if got := run(Mesh{Data: 2, MicroBatches: 3, Pipeline: 3, Threads: 6}); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("kind %d, on lanes: %v, want %v", kind, got, want)
		}
		for _, c := range []Mesh{{Pipeline: 3, Threads: 2}, {Pipeline: 2, Zero: 1}, {Pipeline: 3, Zero: 1}} {
			for k := 1; k <= 2; k++ {
				n := k * c.Pipeline
				for rank, err := range onRanks(links(t, "lanes", n), func(_ int, l mesh.Link) error {
					m := c
					m.Data, m.MicroBatches, m.World = 2, 3, &World{l, n}
					return run(m)
				}) {
					if errors.Is(err, ErrDiverged) != errors.Is(want, ErrDiverged) || fmt.Sprint(err) != fmt.Sprint(want) {
						t.Errorf("kind %d, %+v, rank %d of %d: %v, want %v", kind, c, rank, n, err, want)
					}
				}
			}
		}
	}
}

// Where a rank of a stage is gone, all others say so, whatever they wait for.
func TestStagesSayThatOneIsLost(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	for after := 2; after < 100; after += 8 {
		errs := onRanks(links(t, "messages", 4), func(rank int, l mesh.Link) error {
			if rank == 2 {
				l = &falling{Link: l, left: int64(after)}
			}
			n, err := Compile(staged, s.Shape, Config{Batch: 12})
			if err != nil {
				return err
			}
			tr, err := NewTrainer(n, TrainConfig{Mesh: always(Mesh{Data: 2, MicroBatches: 2, Pipeline: 2, Zero: 1, World: &World{l, 4}})})
			for range 4 {
				if err == nil {
					_, err = tr.Epoch(s)
				}
				if err == nil {
					_, err = tr.Evaluate(s)
				}
			}
			if err == nil {
				err = tr.Save(io.Discard)
			}
			return err
		})
		for rank, err := range errs {
			var lost mesh.ErrLost
			if !errors.As(err, &lost) || lost.Rank != 2 {
				t.Errorf("rank %d has %v after %d messages", rank, err, after)
			}
		}
	}
}

// panicking is a loss that panics in a training step.
type panicking struct{ loss.CrossEntropy }

func (panicking) Gradient(dy, y []float32, t loss.Targets, rows int) (sum, weight float64) {
	panic("for a test")
}

// A panic in one stage ends the step of all; on the lanes of a process the caller has it.
func TestStagesPanic(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	run := func(m Mesh) (err error) {
		n, err := Compile(staged, s.Shape, Config{Batch: 12, Loss: panicking{}})
		if err != nil {
			return err
		}
		tr, err := NewTrainer(n, TrainConfig{Mesh: always(m)})
		if err != nil {
			return err
		}
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic %v", p)
			}
		}()
		_, err = tr.Step(s)
		return err
	}
	if err := run(Mesh{Pipeline: 2, Threads: 2}); err == nil || err.Error() != "panic for a test" {
		t.Errorf("on lanes: %v", err)
	}
	for rank, err := range onRanks(links(t, "messages", 3), func(rank int, l mesh.Link) error { return run(Mesh{Pipeline: 3, World: &World{l, 3}}) }) {
		want := "a panic in a training step"
		if rank == 2 {
			want = "panic for a test"
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rank %d: %v, want %s", rank, err, want)
		}
	}
}

// What stages take together is what is announced for each: min(m, P−i) copies of what
// stage i of P keeps for the backward passes of m micro-batches, and one of all else.
func TestMemoryOfStages(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	const width = 128
	s := blobs(data.Shape{width}, 4, 192)
	layer := Seq{Dense{Out: width}, BatchNorm{}, GELU{}, Dense{Out: width}, GELU{}, Dense{Out: width}, BatchNorm{}, GELU{}, Dense{Out: width}, GELU{}, Dense{Out: 4}}
	for _, c := range []struct {
		mesh  Mesh
		ranks int
		mixup float64
	}{{Mesh{Pipeline: 2, Threads: 2}, 1, 0}, {Mesh{Pipeline: 3, Threads: 6, MicroBatches: 2}, 1, 0.5}, {Mesh{Pipeline: 3}, 3, 0.5}, {Mesh{Data: 2, Pipeline: 2, Zero: 1, Recompute: RecomputeAll}, 4, 0}, {Mesh{Data: 2, Pipeline: 2, Threads: 2}, 2, 0}} {
		cfg := Config{Batch: 192}
		train := TrainConfig{EMA: 0.9, ClipNorm: 1, Mixup: c.mixup, Mesh: always(c.mesh)}
		all := links(t, "lanes", c.ranks)
		trainers := make([]*Trainer, c.ranks)
		nets := make([]*Net, c.ranks)
		before := heap()
		err := errors.Join(onRanks(all, func(rank int, l mesh.Link) (err error) {
			if nets[rank], err = Compile(layer, s.Shape, cfg); err != nil {
				return err
			}
			train := train
			if c.ranks > 1 {
				train.Mesh.World = &World{l, c.ranks}
			}
			planned, err := Footprint(layer, s.Shape, cfg, train)
			if err != nil {
				return err
			}
			if trainers[rank], err = NewTrainer(nets[rank], train); err != nil {
				return err
			}
			if got := trainers[rank].Memory(); got != planned && train.Mesh.rank() == 0 {
				l.Close(errPanic)
				return fmt.Errorf("rank %d: %v announced, %v compiled", rank, planned, got)
			}
			_, err = trainers[rank].Epoch(s)
			return err
		})...)
		if err != nil {
			t.Fatalf("%+v: %v", c.mesh, err)
		}
		got, want := heap()-before, int64(0)
		for _, tr := range trainers {
			want += tr.Memory().Train
		}
		descriptions := 10 * c.ranks * (50 << 10)
		descriptions += 4 * (256 << 10) * c.mesh.Pipeline // messages travel in frames of 256 KiB, however short
		if d := math.Abs(float64(got - want)); d > 0.05*float64(want)+float64(descriptions) {
			t.Errorf("%+v: %d bytes announced, %d taken", c.mesh, want, got)
		}
		runtime.KeepAlive(trainers)
	}
	// A stage's share of the activations of a micro-batch, times its copies.
	for number, copies := range []int{3, 2, 1} {
		train := TrainConfig{Mesh: Mesh{Pipeline: 3, MicroBatches: 12}}
		cuts, err := stagesFor(layer, s.Shape, data.Shape{4}, new(Config).ready(), &train, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := cuts.stage(number, 4, 12).copies; got != copies {
			t.Errorf("stage %d has %d copies, want %d", number, got, copies)
		}
	}
}

// A small GPT on data 2 × tensor 2 × pipeline 2 = 8 lanes with zero 1 has the bits of one
// lane with the same data, micro_batches and tensor: on eight ranks, and on four with two
// lanes each.
func TestHybridChangesNoBit(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	for _, precision := range []Precision{F32, BF16} {
		q, alone, m := hybrid()
		q.config.Precision = precision
		want, score, outputs, err := q.do(alone, nil)
		if err != nil {
			t.Fatal(err)
		}
		onStages(t, &q, m, 8, nil, want, score, outputs)
		if precision == F32 {
			m.Threads = 2
			onStages(t, &q, m, 4, want[0].Bytes(), want, score, outputs)
			m.Zero = 0
			onStages(t, &q, m, 2, nil, want, score, outputs) // which have a part each, of both stages
			m.World, m.Threads = nil, 4
			if got, _, _, err := q.do(m, nil); err != nil || !bytes.Equal(got[1].Bytes(), want[1].Bytes()) {
				t.Errorf("on lanes of one process: another checkpoint, or %v", err)
			}
		}
	}
}

// A rank has a stage only, and says so where the whole network is asked for.
func TestAStageIsNotTheNetwork(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	err := errors.Join(onRanks(links(t, "lanes", 2), func(_ int, l mesh.Link) error {
		n, err := Compile(staged, s.Shape, Config{Batch: 12})
		if err != nil {
			return err
		}
		cost := n.Cost()
		m := always(Mesh{Pipeline: 2, World: &World{l, 2}})
		tr, err := NewTrainer(n, TrainConfig{Mesh: m})
		if err != nil {
			return err
		}
		if n.Cost() != cost {
			return fmt.Errorf("the cost of a stage is %v, that of the network %v", n.Cost(), cost)
		}
		_, twice := NewTrainer(n, TrainConfig{})
		_, evaluated := n.Evaluate(s)
		_, gradient := n.Gradient(s)
		for what, err := range map[string]error{
			"trained twice": twice, "evaluated": evaluated, "a gradient": gradient, "predicts": n.Predict(s.X[:5], make([]float32, 4)), "saved": n.Save(io.Discard, F32),
			"watched": n.Watch(s.X[:5], nil), "backward": n.Backward(s.X[:5], make([]float32, 4)), "inputs": n.Inputs(s.X[:5], nil), "calibrated": n.Recalibrate(s, 1),
		} {
			if err == nil || !strings.Contains(err.Error(), "Trainer.Whole") {
				return fmt.Errorf("%s: %v", what, err)
			}
		}
		if tr.State() != nil {
			return errors.New("a stage gives the state of the optimizer")
		}
		return nil
	})...)
	if err != nil {
		t.Error(err)
	}
}

// What the busiest stage has waited is a share of the passes, told once, and of the steps, told
// beside what was predicted: on the lanes of a process, and on ranks.
func TestBubble(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 24)
	run := func(m Mesh) (tr *Trainer, text string, err error) {
		n, err := Compile(staged, s.Shape, Config{Batch: 12})
		if err != nil {
			return nil, "", err
		}
		cfg := TrainConfig{Mesh: always(m), Augment: slow{}} // which the first stage does
		if tr, err = NewTrainer(n, cfg); err != nil {
			return nil, "", err
		}
		if _, err := tr.Epoch(s); err != nil {
			return nil, "", err
		}
		of, err := tr.Measured()
		if err != nil {
			return nil, "", err
		}
		if m.Pipeline == 0 && of.Bubble != 0 || m.Pipeline > 0 && !(of.Bubble > 0 && of.Bubble < 0.5) {
			return nil, "", fmt.Errorf("%+v: measured a bubble of %v", m, of.Bubble)
		}
		p, err := Predict(staged, s.Shape, Config{Batch: 12}, cfg, nil)
		return tr, of.Beside(p), err
	}
	for _, m := range []Mesh{{MicroBatches: 4}, {MicroBatches: 4, Pipeline: 2, Threads: 2}} {
		tr, text, err := run(m)
		if err != nil {
			t.Fatal(err)
		}
		if got := tr.Bubble(); m.Pipeline == 0 && got != 0 || m.Pipeline > 0 && !(got > 0 && got < 0.5) {
			t.Errorf("%+v: a bubble of %v", m, got)
		}
		if got := tr.Bubble(); got != 0 {
			t.Errorf("%+v: a bubble of %v, told again", m, got)
		}
		if told := strings.Contains(text, ", bubble ") && strings.Contains(text, " % (predicted "); told != (m.Pipeline > 0) {
			t.Errorf("%+v: %s", m, text)
		}
	}
	for rank, err := range onRanks(links(t, "lanes", 2), func(rank int, l mesh.Link) error {
		tr, text, err := run(Mesh{MicroBatches: 4, Pipeline: 2, World: &World{l, 2}})
		switch own := 0.0; {
		case err != nil:
			return err
		case !strings.Contains(text, ", bubble "):
			return errors.New(text)
		case rank == 1: // it waits for the other most of the time
			if own = tr.Bubble(); own < 0.5 {
				return fmt.Errorf("its own bubble is %v", own)
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("rank %d: %v", rank, err)
		}
	}
}
