package trials

import (
	"context"
	"sync"

	"budwood/engine"
	"budwood/engine/mesh"
	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// RunRanks is [Runner.Run] with n ranks, which are goroutines of this process. It
// returns the result of rank 0, and what the others have spent.
func (r *Runner) RunRanks(ctx context.Context, n int, task Task, train TrainFunc, alive func(search.Measurement)) (segment.Result, energy.Energy, error) {
	lanes := mesh.Local(n)
	results := make([]segment.Result, n)
	var others sync.WaitGroup
	for rank := 1; rank < n; rank++ {
		others.Go(func() { // its errors are those of rank 0, too
			results[rank], _ = r.RunIn(context.WithoutCancel(ctx), &engine.World{Link: lanes[rank], Ranks: n}, task, train, nil)
		})
	}
	var err error
	results[0], err = r.RunIn(ctx, &engine.World{Link: lanes[0], Ranks: n}, task, train, alive)
	others.Wait()
	var beside energy.Energy
	for _, one := range results[1:] {
		beside = beside.Add(one.Energy)
	}
	return results[0], beside, err
}
