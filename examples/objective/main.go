// A study with an objective in Go: which learning rate and how many hidden units
// for a thousand of the digits? Run it from the root of the repository. It needs
// a Temporal server: that of a budwood program on the PATH, or one that
// `go run ./cmd/budwood up` runs; with -local it needs none.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"

	"budwood"
	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

func main() {
	local := flag.Bool("local", false, "run without a server")
	name := flag.String("name", "objective", "of the study")
	flag.Parse()
	ctx := context.Background()
	digits, err := data.Load(ctx, data.Source{CSV: "examples/digits/digits.csv.gz", Target: "digit", Rows: 1000, Split: data.Split{Valid: .25}})
	if err != nil {
		log.Fatal(err)
	}
	lr := search.LogFloat("lr", 1e-4, 1)
	width := search.Int("width", 16, 256, search.Log)
	study := budwood.Study{Name: *name, Space: search.Space{lr, width},
		Sampler: "auto", Scheduler: "asha", Trials: 30, Epochs: 9, Seed: 7}

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
