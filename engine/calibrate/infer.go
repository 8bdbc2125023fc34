package calibrate

import (
	"context"
	"slices"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/kernel"
	"budwood/engine/quant"
)

// inferences are networks whose predictions are timed, in float32 and in integers. They
// differ in what most of their time goes to, and in how their widths fill vectors.
func inferences() (list []reference) {
	acts := []engine.Layer{engine.ReLU{}, engine.GELU{}, engine.Tanh{}}
	for i, w := range [][]int{{24, 10}, {100, 10}, {200, 60, 10}, {150, 300, 10}, {350, 40, 10}, {256, 256, 16}, {390, 310, 200, 8}, {64, 64, 64, 8}, {480, 16}} {
		for _, in := range []int{20, 130 + 30*i} {
			list = append(list, reference{layers: mlp(acts[(i+in)%3], w...), in: data.Shape{in}})
		}
	}
	for i, c := range [][]int{{8, 16}, {12, 24}, {16, 32}, {24, 40}, {33, 20}, {44, 47}, {5, 10}, {28, 13}} {
		first := engine.Seq{engine.Conv{Out: c[0]}, engine.BatchNorm{}, engine.ReLU{}}
		if i%2 == 1 {
			first = append(first, engine.Conv{Out: c[1]}, engine.BatchNorm{}, engine.ReLU{})
		}
		list = append(list, reference{
			layers: append(first, engine.MaxPool{}, engine.Conv{Out: c[1]}, engine.ReLU{}, engine.GlobalAvgPool{}, engine.Dense{Out: 10}), in: data.Shape{8 + 2*(i%5), 16, 1 + i%7},
		})
	}
	for i, steps := range []int{8, 13, 16, 20, 27, 32, 40, 47} {
		heads := 1 + i%3
		width := heads * 8 * (1 + i%4)
		list = append(list, reference{layers: attend(heads, 40+25*i, acts[1]), in: data.Shape{steps, width}})
	}
	for _, c := range []int{16, 24, 40} {
		list = append(list, reference{layers: engine.Seq{
			engine.Conv{Out: c}, engine.ReLU{}, engine.Residual{Body: engine.Seq{engine.Conv{Out: c, Kernel: 1}, engine.ReLU{}, engine.Conv{Out: c, Kernel: 1}}},
			engine.ReLU{}, engine.Conv{Out: c, Groups: c}, engine.AvgPool{}, engine.GlobalAvgPool{}, engine.Dense{Out: 10},
		}, in: data.Shape{12, 12, 4}})
	}
	for _, h := range []int{16, 48} {
		list = append(list, reference{layers: engine.Seq{engine.GRU{Out: h}, engine.LastStep{}, engine.Dense{Out: 8}}, in: data.Shape{20, 24}})
	}
	return list
}

// predicted is a network whose predictions were timed.
type predicted struct {
	work    engine.Work
	seconds float64 // of all rows
	other   float64 // of them what is predicted otherwise
}

// infer measures how long predictions take: of many rows at once, of single ones, and in
// integers. All in units of a steady product.
func infer(ctx context.Context, m *engine.Machine, quiet *steady) error {
	var many, one, ints []predicted
	for _, r := range inferences() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		n, err := engine.Compile(r.layers, r.in, engine.Config{Seed: 1})
		if err != nil {
			return err
		}
		f, err := n.Inference()
		if err != nil {
			return err
		}
		for rows, to := range map[int]*[]predicted{1: &one, many64: &many} {
			w, err := engine.InferenceWork(r.layers, r.in, engine.Config{}, rows)
			if err != nil {
				return err
			}
			s, err := quiet.seconds(f.Predict, random(rows*r.in.Size()), rows*n.Out().Size())
			if err != nil {
				return err
			}
			*to = append(*to, predicted{work: w, seconds: s})
		}
		q, err := quant.Quantize(n, r.samples(64), quant.Options{})
		if err != nil {
			return err
		}
		s, err := quiet.seconds(q.Predict, random(many64*r.in.Size()), many64*n.Out().Size())
		if err != nil {
			return err
		}
		ints = append(ints, predicted{work: q.Work(many64), seconds: s})
	}
	m.Infer, m.One = fitted(many, quiet.least), fitted(one, quiet.least)
	for i, r := range inferences() { // what stays in float32 is known now
		n, err := engine.Compile(r.layers, r.in, engine.Config{Seed: 1})
		if err != nil {
			return err
		}
		q, err := quant.Quantize(n, r.samples(1), quant.Options{})
		if err != nil {
			return err
		}
		none := *m
		none.Int8 = engine.Work{Losses: 1} // of which there are none
		if ints[i].other, err = q.Latency(many64, &none); err != nil {
			return err
		}
	}
	m.Int8 = fitted(ints, quiet.least)
	return nil
}

// many64 is the rows at once for which costs are told.
const many64 = 64

// fitted are the seconds of each kind of work. Turns are in units of a steady product.
func fitted(list []predicted, unit float64) engine.Work {
	var x [][]float64
	var y []float64
	for _, p := range list {
		x, y = append(x, p.work.Kinds()), append(y, max(p.seconds*unit-p.other, p.seconds*unit/10))
	}
	return engine.WorkOf(bounded(x, y, make([]float64, len(x[0]))))
}

// steady is a product that takes turns with what is measured: both are slower while others
// use the same core.
type steady struct {
	product *kernel.Gemm
	least   float64 // seconds of it on a quiet machine
}

const steadyCalls = 60

func newSteady() *steady {
	const n = 64
	g := &kernel.Gemm{M: n, N: n, K: n, A: random(n * n), RowA: n, ColA: 1, B: random(n * n), RowB: n, C: kernel.Floats(n * n), RowC: n}
	g.Pack = kernel.Floats(g.PackSize())
	return &steady{g, fastest(g.Run)}
}

// run is the seconds of one now.
func (s *steady) run() float64 {
	began := Clock()
	for range steadyCalls {
		s.product.Run()
	}
	took := (Clock() - began) / steadyCalls
	s.least = min(s.least, took)
	return took
}

// seconds is how many times as long as the product the predictions of some rows take: the
// median of some turns.
func (s *steady) seconds(predict func(x, out []float32) error, x []float32, outputs int) (float64, error) {
	out := make([]float32, outputs)
	var ratio []float64
	calls := 1
	for turn := range 14 {
		before := s.run()
		began := Clock()
		for range calls {
			if err := predict(x, out); err != nil {
				return 0, err
			}
		}
		took := (Clock() - began) / float64(calls)
		if turn == 0 {
			calls = max(int(5e-4/max(took, 1e-7)), 1)
			continue
		}
		ratio = append(ratio, 2*took/(before+s.run()))
	}
	slices.Sort(ratio)
	return ratio[len(ratio)/2], nil
}
