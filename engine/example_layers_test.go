package engine_test

import (
	"fmt"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

// A small residual network for images, with squeeze-excite blocks.
func ExampleResidual() {
	block := func(channels, stride int) engine.Layer {
		return engine.Seq{
			engine.Residual{Body: engine.Seq{
				engine.Conv{Out: channels, Stride: stride, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
				engine.Conv{Out: channels, NoBias: true}, engine.BatchNorm{},
				engine.SqueezeExcite{},
			}},
			engine.ReLU{},
		}
	}
	net := engine.Seq{
		engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
		block(16, 1), block(32, 2), block(64, 2),
		engine.GlobalAvgPool{}, engine.Dense{Out: 10},
	}
	out, cost, err := engine.Measure(net, data.Shape{28, 28, 1})
	fmt.Println(out, cost.Params, cost.MACs, err)
	// Output: 10 80390 9348608 <nil>
}

// A language model learns which token follows which: the class of each step is
// the token of the next.
func ExampleTransformer() {
	const steps = 12
	text := []float32{0, 1, 2, 3, 1, 4, 2, 0, 3, 4, 4, 1}
	data := &data.Set{Shape: data.Shape{steps}, Classes: 5}
	for first := range 8 {
		for i := range steps {
			data.X = append(data.X, text[(first+i)%len(text)])
			data.Class = append(data.Class, int32(text[(first+i+1)%len(text)]))
		}
	}
	net, err := engine.Compile(engine.Seq{
		engine.Embedding{Vocab: 5, Out: 16}, engine.Positional{},
		engine.Transformer{Heads: 2, Causal: true},
		engine.LayerNorm{}, engine.Dense{Out: 5, PerStep: true},
	}, data.Shape, engine.Config{Batch: 8, Seed: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	trainer, err := engine.NewTrainer(net, engine.TrainConfig{Schedule: optim.Constant{LR: 0.01}, Seed: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 150 {
		if _, err := trainer.Epoch(data); err != nil {
			fmt.Println(err)
			return
		}
	}
	score, err := net.Evaluate(data)
	fmt.Println(net.Out(), score.Accuracy > 0.9, err) // the first step of a row is a guess
	// Output: 12×5 true <nil>
}

// Branches that read the same input: side by side, or added up.
func ExamplePar() {
	inception := engine.Par{Concat: true, Branches: []engine.Seq{
		{engine.Conv{Out: 8, Kernel: 1}, engine.ReLU{}},
		{engine.Conv{Out: 8}, engine.ReLU{}},
		{engine.Conv{Out: 4, Kernel: 5}, engine.ReLU{}},
		{}, // the input itself
	}}
	out, _, err := engine.Measure(inception, data.Shape{16, 16, 3})
	fmt.Println(out, err)
	// Output: 16×16×23 <nil>
}

func ExampleFootprint() {
	encoder := engine.Transformer{Heads: 4, Hidden: 256}
	m, err := engine.Footprint(engine.Seq{encoder, encoder, engine.GlobalAvgPool{}, engine.Dense{Out: 10}}, data.Shape{32, 64}, engine.Config{Batch: 32}, engine.TrainConfig{})
	fmt.Println(m, err)
	// Output: parameters 393 KiB, gradients 393 KiB, optimizer 786.1 KiB, activations and scratch 10.56 MiB, in all 12.1 MiB; inference alone 2.884 MiB <nil>
}
