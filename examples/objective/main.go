// A study with an objective in Go: which learning rate, how many hidden units,
// for wine (UCI, in this repository)? Put budwood on the PATH, or start one with
// `go run ./cmd/budwood up`; or run it with -local, which needs no server.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"budwood"
	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
)

func main() {
	local := flag.Bool("local", false, "run without a server")
	flag.Parse()
	ctx := context.Background()
	digits, err := data.Load(ctx, data.Source{CSV: "examples/digits/digits.csv.gz", Target: "digit", Rows: 1000, Split: data.Split{Valid: .25}})
	if err != nil {
		log.Fatal(err)
	}
	lr := search.LogFloat("lr", 1e-4, 1)
	width := search.Int("width", 16, 256, search.Log)
	study := budwood.Study{Name: "objective", Space: search.Space{lr, width},
		Sampler: "tpe", Scheduler: "asha", Trials: 30, Epochs: 9, Seed: 7}

	objective := func(ctx context.Context, t *budwood.Trial) error {
		net := engine.MLP(t.Rand(), digits.Features, width.In(t), digits.Classes)
		for range t.Epochs() { // ends by itself when the scheduler stops the trial
			net.Fit(digits.Train, lr.In(t))
			t.Report(net.Loss(digits.Valid))
		}
		return nil
	}
	run := study.Run
	if *local {
		run = study.Local
	}
	res, err := run(ctx, objective)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(res)
}
