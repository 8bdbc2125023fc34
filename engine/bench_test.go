//go:build unix

package engine

import (
	"math/rand/v2"
	"syscall"
	"testing"

	"budwood/data"
	"budwood/engine/kernel"
	"budwood/engine/optim"
)

// cpuSeconds is the processor time of this process: other work on the machine
// disturbs it less than wall time.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// The reference models: forward, loss, backward and a step of Adam on batches
// that rotate through 64 random ones.
var models = []struct {
	name  string
	layer Layer
	in    data.Shape
	batch int
}{
	{"a-mlp-784-256-128-10", Seq{Dense{Out: 256}, ReLU{}, Dense{Out: 128}, ReLU{}, Dense{Out: 10}}, data.Shape{784}, 128},
	{"b-mlp-64-64-64-10", Seq{Dense{Out: 64}, ReLU{}, Dense{Out: 64}, ReLU{}, Dense{Out: 10}}, data.Shape{64}, 32},
	{"c-cnn-28x28", Seq{
		Conv{Out: 16, NoBias: true}, BatchNorm{}, ReLU{}, MaxPool{},
		Conv{Out: 32, NoBias: true}, BatchNorm{}, ReLU{}, MaxPool{}, Dense{Out: 10},
	}, data.Shape{28, 28, 1}, 64},
	{"d-transformer-d64", Seq{
		Transformer{Heads: 4, Hidden: 256, Activation: ReLU{}, PostNorm: true},
		Transformer{Heads: 4, Hidden: 256, Activation: ReLU{}, PostNorm: true},
		GlobalAvgPool{}, Dense{Out: 10},
	}, data.Shape{32, 64}, 32},
	{"e-gru-128", Seq{GRU{Out: 128}, LastStep{}, Dense{Out: 10}}, data.Shape{32, 64}, 32},
	{"depthwise-28x28", Seq{
		Conv{Out: 32, Stride: 2}, ReLU{}, Conv{Out: 32, Groups: 32}, ReLU{}, Conv{Out: 64, Kernel: 1}, BatchNorm{}, ReLU{},
		GlobalAvgPool{}, Dense{Out: 10},
	}, data.Shape{28, 28, 1}, 64},
	{"residual-28x28", Seq{
		Conv{Out: 16}, BatchNorm{}, ReLU{},
		Residual{Seq{Conv{Out: 32, Stride: 2}, BatchNorm{}, GELU{}, Conv{Out: 32}, BatchNorm{}}}, ReLU{}, MaxPool{},
		Dropout{P: 0.2}, Dense{Out: 10},
	}, data.Shape{28, 28, 1}, 64},
}

func BenchmarkTrain(b *testing.B) {
	cpu, err := kernel.CPU()
	if err != nil {
		b.Fatal(err)
	}
	for _, m := range models {
		b.Run(m.name+"/"+cpu, func(b *testing.B) { benchmarkTrain(b, m.layer, m.in, m.batch, F32) })
	}
}

// The gain of bfloat16: the reference models, and one with wide layers.
func BenchmarkPrecision(b *testing.B) {
	wide := Seq{Dense{Out: 1024}, ReLU{}, Dense{Out: 1024}, ReLU{}, Dense{Out: 10}}
	for _, p := range []Precision{F32, BF16} {
		for _, m := range models[:5] {
			b.Run(m.name+"/"+p.String(), func(b *testing.B) { benchmarkTrain(b, m.layer, m.in, m.batch, p) })
		}
		b.Run("mlp-784-1024-1024-10/"+p.String(), func(b *testing.B) { benchmarkTrain(b, wide, data.Shape{784}, 256, p) })
	}
}

func benchmarkTrain(b *testing.B, l Layer, in data.Shape, batch int, p Precision) {
	n := mustCompile(b, l, in, Config{Batch: batch, Precision: p})
	tr := mustTrain(b, n, TrainConfig{Optimizer: optim.Adam{}})
	r := rand.New(rand.NewPCG(1, 1))
	s := &data.Set{Shape: in, Classes: 10, X: normal(r, 64*batch*in.Size())}
	for range 64 * batch {
		s.Class = append(s.Class, int32(r.IntN(10)))
	}
	b.ReportAllocs()
	start := cpuSeconds(b)
	for b.Loop() {
		if _, err := tr.Step(s); err != nil {
			b.Fatal(err)
		}
	}
	rate := float64(batch) * float64(b.N) / (cpuSeconds(b) - start)
	b.ReportMetric(rate, "samples/s")
	b.ReportMetric(rate*work(n)/1e9, "GFLOP/s")
	b.ReportMetric(rate*work(n)/peak(b), "of_peak")
}

// work is the floating-point operations of products in a training step, for one
// sample: those of forward, and twice as many backward, where the first layer
// needs no gradient of its input.
func work(n *Net) float64 {
	var all, first int64
	for _, r := range n.plan.Rows {
		if first == 0 {
			first = r.MACs
		}
		all += r.MACs
	}
	return 2 * float64(3*all-first)
}

// peak is the multiply-adds on registers a second.
func peak(b *testing.B) float64 {
	var done float64
	start := cpuSeconds(b)
	for range 1000 {
		done += kernel.Peak(10_000)
	}
	return done / (cpuSeconds(b) - start)
}

func BenchmarkCompile(b *testing.B) {
	for _, m := range models {
		b.Run(m.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				mustCompile(b, m.layer, m.in, Config{Batch: m.batch})
			}
		})
	}
}

func BenchmarkMeasure(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := Measure(models[2].layer, models[2].in); err != nil {
			b.Fatal(err)
		}
	}
}
