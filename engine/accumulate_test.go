package engine

import (
	"math"
	"math/bits"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/loss"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// k batches of b rows make the step of one batch of k·b rows (specification,
// gradient accumulation), also where the last are smaller and classes weigh.
func TestAccumulationIsALargerBatch(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b, k := rapid.IntRange(1, 8).Draw(rt, "batch"), rapid.IntRange(2, 4).Draw(rt, "batches")
		rows := rapid.IntRange(1, 3*b*k).Draw(rt, "rows")
		s := blobs(data.Shape{5}, 3, rows)
		loss := rapid.SampledFrom([]loss.Loss{loss.CrossEntropy{}, loss.CrossEntropy{Weights: []float32{1, 2, 0.5}}}).Draw(rt, "loss")
		train := func(batch, accumulate int) (float64, []float32) {
			n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: batch, Seed: 3, Loss: loss})
			tr := mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{Momentum: 0.9}, Schedule: optim.Constant{LR: 0.1}, Accumulate: accumulate})
			l, err := tr.Epoch(s)
			if err != nil {
				rt.Fatal(err)
			}
			return l, n.Params()
		}
		l1, w1 := train(b*k, 1)
		l2, w2 := train(b, k)
		if math.Abs(l1-l2) > 1e-6*(1+l1) {
			rt.Errorf("loss %g at once, %g accumulated", l1, l2)
		}
		for i := range w1 {
			if math.Abs(float64(w1[i]-w2[i])) > 1e-6*(1+math.Abs(float64(w1[i]))) {
				rt.Fatalf("weight %d is %g at once, %g accumulated", i, w1[i], w2[i])
			}
		}
	})
}

// The gradient of a step is the sum of those of its micro-batches, each of the step's
// mean loss, in the order of the tree: to the bit, with uneven and empty ones and
// weights of classes. It takes at most ⌈log₂ U⌉ sums beside the gradient.
func TestAccumulationIsATree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		batch, leaves := rapid.IntRange(1, 6).Draw(rt, "batch"), rapid.IntRange(1, 11).Draw(rt, "leaves")
		rows := rapid.IntRange(1, batch*leaves).Draw(rt, "rows")
		s := blobs(data.Shape{5}, 3, rows)
		cfg := Config{Batch: batch, Seed: 3}
		if rapid.Bool().Draw(rt, "weights") {
			cfg.Loss = loss.CrossEntropy{Weights: []float32{1, 0, 0.3}}
		}
		l := Seq{Dense{Out: 7}, BatchNorm{}, Tanh{}, Dropout{P: 0.2}, Dense{Out: 3}}
		tr := mustTrain(t, mustCompile(t, l, s.Shape, cfg), TrainConfig{Optimizer: optim.SGD{}, Accumulate: leaves, Seed: 4})
		if want := bits.Len(uint(leaves - 1)); len(tr.lanes[0].held) > want {
			rt.Fatalf("%d sums beside the gradient, want at most %d", len(tr.lanes[0].held), want)
		}
		if _, err := tr.Step(s); err != nil {
			rt.Fatal(err)
		}
		own := mustCompile(t, l, s.Shape, cfg)
		all := 0.
		for _, r := range tr.order {
			weight := 1.
			if c, ok := cfg.Loss.(loss.CrossEntropy); ok {
				weight = float64(c.Weights[s.Class[r]])
			}
			all += weight
		}
		var tree func(from, to int) []float32
		tree = func(from, to int) []float32 {
			if to-from > 1 {
				mid := from + mesh.Split(to-from)
				a, b := tree(from, mid), tree(mid, to)
				for i := range a {
					a[i] += b[i]
				}
				return a
			}
			order := tr.order[rows*from/leaves : rows*to/leaves]
			if len(order) == 0 {
				return make([]float32, len(own.grads))
			}
			got := own.gather(s, order)
			scale := 1.
			if weight := own.cfg.Loss.Weight(got.Class, len(order)); leaves > 1 && all > 0 {
				scale = weight / all
			}
			own.step(plan.Pass{Rows: len(order), Train: true, Key: hash(4, forDropout, 0, uint64(from))}, got, scale)
			return slices.Clone(own.grads)
		}
		sameBits(rt, "gradient", tree(0, leaves), tr.net.grads)
		sameBits(rt, "statistics", own.stats, tr.net.stats)
	})
}

// Micro-batches that are gathered ahead are those that the step takes, also where its
// rows do not divide evenly.
func TestAccumulationGathersAhead(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		batch, leaves := rapid.IntRange(1, 6).Draw(rt, "batch"), rapid.IntRange(1, 5).Draw(rt, "leaves")
		s := blobs(data.Shape{5}, 3, rapid.IntRange(1, 3*batch*leaves).Draw(rt, "rows"))
		train := func(ahead bool) []float32 {
			n := mustCompile(t, Seq{Dense{Out: 7}, Tanh{}, Dense{Out: 3}}, s.Shape, Config{Batch: batch, Seed: 3})
			tr := mustTrain(t, n, TrainConfig{Accumulate: leaves, Mixup: 0.4, Prefetch: ahead})
			for range 2 {
				if _, err := tr.Epoch(s); err != nil {
					rt.Fatal(err)
				}
				if ahead && tr.ahead.busy {
					rt.Fatal("a batch of no step is gathered")
				}
			}
			return n.params
		}
		sameBits(rt, "weights", train(false), train(true))
	})
}

// sameBits is an error if two slices differ in a bit.
func sameBits(t rapid.TB, what string, want, got []float32) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i := range want {
		if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
			t.Fatalf("%s: value %d of %d is %v, want %v", what, i, len(got), got[i], want[i])
		}
	}
}

// Groups: no decay for vectors, another rate for a layer, and an error for a
// group that is left without tensors.
func TestGroups(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 10)
	l := Seq{Dense{Out: 4}, Dense{Out: 3}}
	step := func(groups ...Group) []float32 {
		n := mustCompile(t, l, s.Shape, Config{Batch: 10})
		for i := range n.Params() {
			n.Params()[i] = 0.1
		}
		tr := mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{WeightDecay: 100}, Schedule: optim.Constant{LR: 1e-3}, Groups: groups})
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
		d := make([]float32, len(n.Params()))
		for i, w := range n.Params() {
			d[i] = w - 0.1
		}
		return d
	}
	plain := step()
	grouped := step(Group{Names: []string{"1.*"}, Rate: 2}, Group{Vectors: true, NoDecay: true})
	n := mustCompile(t, l, s.Shape, Config{})
	at := 0
	for _, x := range n.Tensors() {
		for range x.Data {
			want := plain[at]
			switch x.Name {
			case "0.bias":
				want += 1e-3 * 100 * 0.1
			case "1.weight", "1.bias":
				want *= 2
			}
			if math.Abs(float64(grouped[at]-want)) > 1e-6 {
				t.Fatalf("%s moved by %g, want %g", x.Name, grouped[at], want)
			}
			at++
		}
	}
	for _, g := range []Group{{Names: []string{"7.*"}}, {}, {Names: []string{"["}}, {Vectors: true, Rate: -1}} {
		if _, err := NewTrainer(n, TrainConfig{Groups: []Group{g}}); err == nil {
			t.Errorf("%+v: no error", g)
		}
	}
}

// The average of the weights is what is evaluated and kept; the network trains
// on with its own.
func TestAverageOfWeights(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 60)
	for _, cfg := range []TrainConfig{{EMA: 0.99}, {Optimizer: optim.Lookahead{Fast: optim.SGD{}}}} {
		n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 10})
		cfg.Schedule = optim.Constant{LR: 0.3}
		tr := mustTrain(t, n, cfg)
		want, wantSlow := append([]float32(nil), n.Params()...), append([]float32(nil), n.Params()...)
		for step := 1; step <= 8; step++ {
			if _, err := tr.Step(s); err != nil {
				t.Fatal(err)
			}
			for i, w := range n.Params() {
				beta := min(0.99, float32(1+step)/float32(10+step))
				want[i] = beta*want[i] + (1-beta)*w
			}
			if step == 5 {
				copy(wantSlow, n.Params()) // fast = slow
			}
		}
		if cfg.EMA == 0 {
			want = wantSlow
		}
		own := append([]float32(nil), n.Params()...)
		score, err := tr.Evaluate(s)
		if err != nil {
			t.Fatal(err)
		}
		if before, _ := n.Evaluate(s); before == score {
			t.Errorf("%v: evaluation is that of the network's own weights", tr.cfg.Optimizer)
		}
		tr.KeepBest()
		for i, w := range n.Params() {
			if w != own[i] {
				t.Fatal("evaluation changed the weights")
			}
		}
		tr.RestoreBest()
		for i, w := range n.Params() {
			if math.Abs(float64(w-want[i])) > 1e-5 {
				t.Fatalf("%v: average %d is %g, want %g", tr.cfg.Optimizer, i, w, want[i])
			}
		}
	}
}

// A scale that is too large leaves steps out and falls; good steps let it grow;
// the steps are those without a scale (specification, loss scaling).
func TestLossScale(t *testing.T) {
	s := blobs(data.Shape{5}, 3, 80)
	train := func(scale *LossScale) *Trainer {
		n := mustCompile(t, Dense{Out: 3}, s.Shape, Config{Batch: 10})
		return mustTrain(t, n, TrainConfig{Optimizer: optim.SGD{}, Schedule: optim.Constant{LR: 0.1}, ClipNorm: 0.1, LossScale: scale})
	}
	plain, scaled := train(nil), train(&LossScale{Interval: 3})
	for _, tr := range []*Trainer{plain, scaled} {
		if _, err := tr.Epoch(s); err != nil {
			t.Fatal(err)
		}
	}
	for i, w := range plain.net.params {
		if math.Abs(float64(w-scaled.net.params[i])) > 1e-6 {
			t.Fatalf("weight %d is %g, with a loss scale %g", i, w, scaled.net.params[i])
		}
	}
	if scaled.scale.Scale != 1<<18 || scaled.scale.Good != 2 {
		t.Errorf("after 8 good steps: %+v", scaled.scale)
	}
	over := train(&LossScale{Init: 0x1p130})
	before := append([]float32(nil), over.net.params...)
	if _, err := over.Step(s); err != nil {
		t.Fatal(err)
	}
	if over.scale.Scale != 0x1p129 || over.Steps() != 0 || over.net.params[0] != before[0] {
		t.Errorf("a step that overflowed: %+v, %d steps", over.scale, over.Steps())
	}
	if _, err := over.Epoch(s); err != nil || over.Steps() == 0 {
		t.Errorf("%d steps, %v", over.Steps(), err)
	}
}
