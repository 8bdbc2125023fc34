package hpo_test

import (
	"context"
	"fmt"
	"math"

	"budwood/hpo"
	"budwood/search"
)

// Ask and tell: a sampler alone, for a loop of one's own. What was learned is in
// Past; the sampler has no state, and may be asked on another machine.
func Example_askAndTell() {
	x, y := search.Float("x", -5, 5), search.Float("y", -5, 5)
	sampler := &hpo.Auto{}
	req := search.Request{Space: search.Space{x, y}, Objectives: []search.Objective{{Metric: "loss"}}, N: 1, Seed: 7}
	best := math.Inf(1)
	for range 40 {
		points, err := sampler.Propose(context.Background(), req) // ask
		if err != nil {
			fmt.Println(err)
			return
		}
		p := points[0]
		loss := math.Pow(x.In(p)-1, 2) + math.Pow(y.In(p)+2, 2)
		req.Past = append(req.Past, search.Record{ // tell
			Trial: search.Trial{ID: req.First, Params: p}, State: search.Completed,
			Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"loss": loss}}},
		})
		req.First++
		best = min(best, loss)
	}
	fmt.Println(best < .01)
	// Output: true
}
