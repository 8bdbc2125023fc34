package compress_test

import (
	"fmt"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/compress"
)

func Example() {
	net, err := engine.Compile(engine.Seq{
		engine.Conv{Out: 16, NoBias: true}, engine.BatchNorm{}, engine.ReLU{},
		engine.Residual{Body: engine.Seq{engine.Conv{Out: 32}, engine.ReLU{}, engine.Conv{Out: 16}}},
		engine.GlobalAvgPool{}, engine.Dense{Out: 10},
	}, data.Shape{8, 8, 3}, engine.Config{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	groups, _ := compress.Groups(net.Layer(), net.In())
	for _, g := range groups {
		fmt.Println(g.Size, "of", g.Name)
	}
	scores, err := compress.Scores(net, compress.L1, compress.Evidence{})
	if err != nil {
		fmt.Println(err)
		return
	}
	keep, err := compress.Choose(net.Layer(), net.In(), scores, compress.Budget{MACs: .5})
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := compress.Prune(net, keep)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(small.Layer())
	fmt.Printf("%.2f of the MACs\n", float64(small.Cost().MACs)/float64(net.Cost().MACs))
	// then small.Recalibrate, and a few epochs of an engine.Trainer
	// Output:
	// 16 of 0 Conv(16, 3×3)
	// 32 of 3.body.0 Conv(32, 3×3)
	// [Conv(11, 3×3), BatchNorm, ReLU, Residual[Conv(22, 3×3), ReLU, Conv(11, 3×3)], GlobalAvgPool, Dense(10)]
	// 0.49 of the MACs
}

func ExampleLowRank() {
	net, err := engine.Compile(engine.Seq{engine.Dense{Out: 256}, engine.ReLU{}, engine.Dense{Out: 10}}, data.Shape{784}, engine.Config{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	ranks, _, err := compress.RanksForMACs(net, .5)
	if err != nil {
		fmt.Println(err)
		return
	}
	small, err := compress.LowRank(net, ranks)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(small.Layer())
	// Output:
	// [Dense(88), Dense(256), ReLU, Dense(8), Dense(10)]
}
