package workflows

import (
	"context"
	"sync"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"budwood/search"
)

// lastEpoch is what a worker tells of the trial that it trains, every second: the last
// epoch and its metrics. It is for people who watch; no decision looks at it.
type lastEpoch struct {
	Trial int                `json:"trial"`
	At    search.Measurement `json:"at"`
}

// LastEpochs asks how far trials have come that are being trained, each in a workflow
// of its own: their last epochs and metrics, by trial. Whatever cannot be learned
// is left out. payloads reads what the workers write: see [Encrypt]; nil means
// that it is not encrypted.
func LastEpochs(ctx context.Context, c client.Client, payloads converter.DataConverter, study string, trials []int) map[int]search.Measurement {
	if payloads == nil {
		payloads = converter.GetDefaultDataConverter()
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[int]search.Measurement{}
	for _, t := range trials {
		all.Go(func() {
			r, err := c.DescribeWorkflowExecution(ctx, trialID(study, t), "")
			if err != nil {
				return
			}
			pending := r.GetPendingActivities()
			for _, child := range r.GetPendingChildren() { // a gang trains it
				if child.GetWorkflowTypeName() != gangType {
					continue
				}
				if r, err := c.DescribeWorkflowExecution(ctx, child.GetWorkflowId(), child.GetRunId()); err == nil {
					pending = append(pending, r.GetPendingActivities()...)
				}
			}
			for _, p := range pending {
				var b lastEpoch
				if p.GetHeartbeatDetails() == nil || payloads.FromPayloads(p.GetHeartbeatDetails(), &b) != nil || b.At.Budget == 0 {
					continue
				}
				mu.Lock()
				out[b.Trial] = b.At
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return out
}
