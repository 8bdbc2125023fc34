package engine_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
)

// quadrants is a small classification problem: the quadrant of a point.
func quadrants(rows int) *data.Set {
	r := rand.New(rand.NewPCG(1, 2))
	s := &data.Set{Shape: data.Shape{2}, Classes: 4}
	for range rows {
		x, y := 2*r.Float32()-1, 2*r.Float32()-1
		class := int32(0)
		if x > 0 {
			class++
		}
		if y > 0 {
			class += 2
		}
		s.X, s.Class = append(s.X, x, y), append(s.Class, class)
	}
	return s
}

func ExampleMLP() {
	data := quadrants(500)
	net := engine.MLP(rand.New(rand.NewPCG(7, 0)), 2, 16, 4)
	for range 20 {
		net.Fit(data, 0.01)
	}
	fmt.Println(net.Loss(data) < 0.15, net.Err())
	// Output: true <nil>
}

func ExampleMeasure() {
	net := engine.Seq{
		engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
		engine.Dense{Out: 10},
	}
	out, cost, err := engine.Measure(net, data.Shape{28, 28, 1})
	fmt.Println(out, cost.Params, cost.MACs, err)

	_, _, err = engine.Measure(engine.Seq{engine.Dense{Out: 8}, engine.Conv{Out: 4}}, data.Shape{28, 28, 1})
	fmt.Println(err)
	// Output:
	// 10 31546 144256 <nil>
	// layer 1 after layer 0 Dense(8), which gives 8: Conv(4, 3×3): needs height×width×channels, got 8
}

func ExampleNet_Summary() {
	net, err := engine.Compile(engine.Seq{
		engine.Conv{Out: 8}, engine.ReLU{}, engine.MaxPool{},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 8}, engine.BatchNorm{}}}, engine.ReLU{},
		engine.Dense{Out: 10},
	}, data.Shape{8, 8, 1}, engine.Config{Batch: 16, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(net.Summary())
	// Output:
	// 8×8×1 → 10, cross-entropy, batch 16, seed 7
	// layer                   output  params  MACs         activations
	// 0         Conv(8, 3×3)  8×8×8       80  4608                 512
	// 1         ReLU          8×8×8        0     0  in the layer above
	// 2         MaxPool(2)    4×4×8        0     0                 128
	// 3         Residual      4×4×8        0     0            in place
	// 3.body.0  Conv(8, 3×3)  4×4×8      584  9216                 128
	// 3.body.1  BatchNorm     4×4×8       16     0                 128
	// 4         ReLU          4×4×8        0     0            in place
	// 5         Dense(10)     10        1290  1280                  10
	// 1970 parameters, 15104 MACs and 906 activations a sample
	// memory: parameters 7.695 KiB, gradients 7.695 KiB, activations and scratch 84.86 KiB, in all 100.2 KiB and the optimizer's state; inference alone 47.76 KiB
}

func ExampleTrainer() {
	data := quadrants(600)
	net, err := engine.Compile(engine.Seq{
		engine.Dense{Out: 32}, engine.BatchNorm{}, engine.GELU{}, engine.Dropout{P: 0.1}, engine.Dense{Out: 4},
	}, data.Shape, engine.Config{Batch: 50, Seed: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	trainer, err := engine.NewTrainer(net, engine.TrainConfig{
		Optimizer: optim.AdamW{WeightDecay: 0.01},
		Schedule:  optim.Warmup{Then: optim.CosineDecay{LR: 0.02}, Share: 0.05},
		Epochs:    20,
		ClipNorm:  1,
		Seed:      7,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stop := engine.EarlyStop{Patience: 5}
	for trainer.Done() < 20 {
		loss, err := trainer.Epoch(data)
		if err != nil {
			fmt.Println(err)
			return
		}
		improved, enough := stop.Observe(loss)
		if improved {
			trainer.KeepBest()
		}
		if enough {
			break
		}
	}
	trainer.RestoreBest()
	score, err := net.Evaluate(data)
	fmt.Println(score.Accuracy > 0.97, err)
	// Output: true <nil>
}

func ExampleTrainer_Save() {
	data := quadrants(100)
	fresh := func() *engine.Trainer {
		net, err := engine.Compile(engine.Seq{engine.Dense{Out: 4}}, data.Shape, engine.Config{})
		if err != nil {
			panic(err)
		}
		trainer, err := engine.NewTrainer(net, engine.TrainConfig{})
		if err != nil {
			panic(err)
		}
		return trainer
	}
	a, b := fresh(), fresh()
	a.Epoch(data)
	var file bytes.Buffer
	if err := a.Save(&file); err != nil {
		fmt.Println(err)
	}
	if err := b.Load(&file); err != nil {
		fmt.Println(err)
	}
	x, _ := a.Epoch(data)
	y, _ := b.Epoch(data)
	fmt.Println(b.Done(), x == y)
	// Output: 2 true
}

func ExampleNet_Inference() {
	net, err := engine.Compile(engine.Seq{engine.Conv{Out: 4}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Dense{Out: 2}}, data.Shape{8, 8, 1}, engine.Config{Seed: 1})
	if err != nil {
		panic(err)
	}
	f, err := net.Inference() // of a network that is trained
	if err != nil {
		panic(err)
	}
	out := make([]float32, 3*2)
	fmt.Println(f.Predict(make([]float32, 3*64), out), len(out))
	// Output: <nil> 6
}
