package nas_test

import (
	"context"
	"fmt"

	"budwood/data"
	"budwood/engine"
	"budwood/nas"
	"budwood/search"
)

// A ready-made family, bound to the data and searched with hyperparameters.
func Example() {
	spec := nas.Spec{Family: "mlp", Depth: []int{1, 3}, Width: []int{16, 64}, Limits: nas.Limits{Params: 2000}}
	space, err := spec.Space()
	if err != nil {
		panic(err)
	}
	space, err = space.For(data.Shape{13}, 3) // 13 features, 3 classes
	if err != nil {
		panic(err)
	}
	evolution := nas.Evolution{Space: space}
	params, err := evolution.Propose(context.Background(), search.Request{
		Space:      search.Space{search.LogFloat("lr", 1e-4, 1e-1)},
		Objectives: []search.Objective{{Metric: "valid_accuracy", Goal: search.Maximize}},
		N:          2, Seed: 7,
	})
	if err != nil {
		panic(err)
	}
	for _, p := range params {
		genome, err := nas.FromParams(p)
		if err != nil {
			panic(err)
		}
		network, cost, err := space.Build(genome)
		if err != nil {
			panic(err)
		}
		fmt.Println(genome)
		fmt.Println(network, cost.Params)
	}
	// Output:
	// dense 16 bn relu drop 0.1
	// [Dense(16), BatchNorm, ReLU, Dropout(0.1), Dense(3)] 307
	// dense 48 relu drop 0.5 | dense 24 relu drop 0.5
	// [Dense(48), ReLU, Dropout(0.5), Dense(24), ReLU, Dropout(0.5), Dense(3)] 1923
}

// A grammar of one's own, in Go.
func ExampleNew() {
	layer := nas.Seq{
		nas.Op{Name: "dense", Attrs: []search.Param{search.Int("out", 16, 64, search.Log)}},
		nas.OneOf{nas.Op{Name: "relu"}, nas.Op{Name: "tanh"}},
	}
	space, err := nas.New(nas.Grammar{Root: nas.Repeat{Min: 1, Max: 3, Of: layer}}, nas.Limits{})
	if err != nil {
		panic(err)
	}
	for trial := range 3 {
		genome := space.Sample(search.Rand(7, trial))
		mutant, err := space.Mutate(search.Rand(8, trial), genome)
		if err != nil {
			panic(err)
		}
		fmt.Println(genome, "→", mutant)
	}
	// Output:
	// dense 16 tanh → dense 63 tanh
	// dense 45 relu | dense 43 tanh → dense 32 relu | dense 43 tanh
	// dense 51 relu | dense 28 tanh → dense 51 relu | dense 28 relu
}

// A network over the limit is refused before it is trained.
func ExampleLimits_Check() {
	var genome nas.Genome
	if err := genome.UnmarshalText([]byte("[dense(512) relu]")); err != nil {
		panic(err)
	}
	network, err := genome.Network(data.Shape{784}, 10)
	if err != nil {
		panic(err)
	}
	_, cost, err := engine.Measure(network, data.Shape{784})
	if err != nil {
		panic(err)
	}
	fmt.Println(nas.Limits{Params: 100_000}.Check(cost))
	// Output: over the limit: 407050 parameters are 4.07 times the limit of 100000
}
