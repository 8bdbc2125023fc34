package calibrate

import (
	"math/rand/v2"

	"budwood/data"
	"budwood/engine"
)

// reference is a network whose steps are timed.
type reference struct {
	layers engine.Layer
	in     data.Shape
	batch  int
}

func mlp(act engine.Layer, widths ...int) engine.Seq {
	var s engine.Seq
	for _, w := range widths {
		s = append(s, engine.Dense{Out: w}, act)
	}
	return s[:len(s)-1]
}

func cnn(a, b int) engine.Seq {
	return engine.Seq{
		engine.Conv{Out: a, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Conv{Out: b}, engine.ReLU{}, engine.GlobalAvgPool{}, engine.Dense{Out: 8},
	}
}

func attend(heads, hidden int, act engine.Layer) engine.Seq {
	return engine.Seq{engine.Transformer{Heads: heads, Hidden: hidden, Activation: act}, engine.GlobalAvgPool{}, engine.Dense{Out: 8}}
}

// references differ in what most of their time goes to, so that the time of each kind
// of work can be told from them.
var references = []reference{
	{mlp(engine.ReLU{}, 200, 100, 8), data.Shape{300}, 64},
	{mlp(engine.ReLU{}, 200, 100, 8), data.Shape{300}, 256},
	{mlp(engine.ReLU{}, 512, 512, 16), data.Shape{512}, 32},
	{mlp(engine.ReLU{}, 320, 64, 16), data.Shape{640}, 128},
	{mlp(engine.ReLU{}, 400, 300, 16), data.Shape{900}, 400},
	{mlp(engine.ReLU{}, 32, 32, 4), data.Shape{32}, 16},
	{mlp(engine.ReLU{}, 32, 32, 4), data.Shape{32}, 1024},
	{mlp(engine.ReLU{}, 96, 96, 10), data.Shape{96}, 64},
	{mlp(engine.ReLU{}, 96, 96, 10), data.Shape{96}, 512},
	{mlp(engine.GELU{}, 96, 96, 10), data.Shape{96}, 256},
	{mlp(engine.Tanh{}, 48, 48, 48, 10), data.Shape{48}, 128},
	{engine.Seq{engine.Dense{Out: 128}, engine.LayerNorm{}, engine.ReLU{}, engine.Dropout{P: .2}, engine.Dense{Out: 128}, engine.BatchNorm{}, engine.ReLU{}, engine.Dense{Out: 8}}, data.Shape{64}, 256},
	{cnn(24, 48), data.Shape{16, 16, 8}, 32},
	{cnn(12, 24), data.Shape{20, 20, 3}, 16},
	{cnn(12, 24), data.Shape{24, 24, 1}, 64},
	{cnn(8, 64), data.Shape{32, 32, 3}, 16},
	{attend(3, 192, engine.GELU{}), data.Shape{24, 48}, 16},
	{attend(4, 200, engine.ReLU{}), data.Shape{16, 96}, 16},
	{attend(2, 128, engine.ReLU{}), data.Shape{48, 64}, 16},
	{engine.Seq{engine.GRU{Out: 64}, engine.LastStep{}, engine.Dense{Out: 8}}, data.Shape{24, 32}, 32},
}

// samples are random rows with classes, for some steps of a reference.
func (r *reference) samples(steps int) *data.Set {
	src := rand.New(rand.NewPCG(1, 1))
	n := steps * max(r.batch, 1)
	s := &data.Set{Shape: r.in, X: make([]float32, n*r.in.Size()), Class: make([]int32, n), Classes: 4}
	for i := range s.X {
		s.X[i] = float32(src.NormFloat64())
	}
	for i := range s.Class {
		s.Class[i] = int32(src.IntN(s.Classes))
	}
	return s
}
