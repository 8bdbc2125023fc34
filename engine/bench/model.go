package main

import (
	"math/rand/v2"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

// model is a network of the comparison; pytorch.py has the same under its name.
type model struct {
	name, what string
	layers     engine.Layer
	in         data.Shape
	batch      int
	meshed     []int // batches for two threads
	ranked     []int // batches for two ranks
}

var models = []model{
	{"a", "MLP 784-256-128-10", engine.Seq{
		engine.Dense{Out: 256}, engine.ReLU{}, engine.Dense{Out: 128}, engine.ReLU{}, engine.Dense{Out: 10},
	}, data.Shape{784}, 128, []int{512, 128}, []int{2048, 512}},
	{"b", "MLP 64-64-64-10", engine.Seq{
		engine.Dense{Out: 64}, engine.ReLU{}, engine.Dense{Out: 64}, engine.ReLU{}, engine.Dense{Out: 10},
	}, data.Shape{64}, 32, []int{512, 32}, nil},
	{"c", "CNN 28×28, conv 16, conv 32", engine.Seq{
		engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Conv{Out: 32, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Dense{Out: 10},
	}, data.Shape{28, 28, 1}, 64, []int{128, 64}, []int{128}},
	{"d", "transformer, 32 steps × 64, 2 blocks", engine.Seq{block, block, engine.GlobalAvgPool{}, engine.Dense{Out: 10}}, data.Shape{32, 64}, 32, []int{32}, []int{32}},
	{"e", "GRU, 32 steps × 64, 128 units", engine.Seq{engine.GRU{Out: 128}, engine.LastStep{}, engine.Dense{Out: 10}}, data.Shape{32, 64}, 32, []int{32}, nil},
}

// block is PyTorch's TransformerEncoderLayer.
var block = engine.Transformer{Heads: 4, Hidden: 256, Activation: engine.ReLU{}, PostNorm: true}

// epochBatches is the number of random batches that training rotates through,
// enough that the loss does not vanish.
const epochBatches = 64

// training is a model with its data, ready to run epochs.
type training struct {
	trainer *engine.Trainer
	data    *data.Set
}

func newTraining(m model) (*training, error) {
	n, err := engine.Compile(m.layers, m.in, engine.Config{Batch: m.batch, Seed: 1})
	if err != nil {
		return nil, err
	}
	t, err := engine.NewTrainer(n, engine.TrainConfig{Optimizer: optim.Adam{}, Seed: 1})
	if err != nil {
		return nil, err
	}
	r := rand.New(rand.NewPCG(1, 1))
	rows := epochBatches * m.batch
	data := &data.Set{Shape: m.in, X: make([]float32, rows*m.in.Size()), Class: make([]int32, rows), Classes: 10}
	for i := range data.X {
		data.X[i] = float32(r.NormFloat64())
	}
	for i := range data.Class {
		data.Class[i] = int32(r.IntN(data.Classes))
	}
	return &training{t, data}, nil
}

// run trains whole epochs until the clock has moved on by some seconds, and
// returns samples a second.
func (t *training) run(seconds float64, clock func() float64) (float64, error) {
	samples, start := 0, clock()
	for {
		if _, err := t.trainer.Epoch(t.data); err != nil {
			return 0, err
		}
		samples += t.data.Len()
		if took := clock() - start; took >= seconds {
			return float64(samples) / took, nil
		}
	}
}
