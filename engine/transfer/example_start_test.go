package transfer_test

import (
	"fmt"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/transfer"
)

// A network that tells three classes apart becomes one for two, of which only the head is
// trained.
func ExampleSource_Start() {
	trained, err := engine.Compile(engine.Seq{engine.Dense{Out: 8}, engine.ReLU{}, engine.Dense{Out: 3}}, data.Shape{4}, engine.Config{})
	if err != nil {
		panic(err)
	}
	source, err := transfer.SourceOf(trained)
	if err != nil {
		panic(err)
	}
	start, err := source.Start(transfer.Start{Outputs: 2, Freeze: -1}, engine.Config{Batch: 2})
	if err != nil {
		panic(err)
	}
	set := &data.Set{Shape: data.Shape{4}, X: make([]float32, 8), Class: []int32{0, 1}, Classes: 2}
	features, err := start.Features(set)
	if err != nil {
		panic(err)
	}
	trainer, err := engine.NewTrainer(start.Net, engine.TrainConfig{Groups: start.Groups})
	if err != nil {
		panic(err)
	}
	if _, err := trainer.Epoch(features); err != nil {
		panic(err)
	}
	whole, err := start.Whole()
	if err != nil {
		panic(err)
	}
	fmt.Println(features.Shape, whole.Layer())
	fmt.Println("came over:", start.Came, "new:", start.New)
	// Output:
	// 8 [Dense(8), ReLU, Dense(2)]
	// came over: [0.bias 0.weight] new: [2.bias 2.weight]
}
