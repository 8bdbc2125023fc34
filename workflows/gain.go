package workflows

import (
	"context"
	"fmt"

	"budwood/hpo"
	"budwood/search"
)

// enough tells whether the trial that a request asks for would gain too little
// for its study (budget.min_gain). It asks the model at one trial in twenty more
// of a long study: nothing changes faster than that.
func (p *proposer) enough(req search.Request) bool {
	limit := p.spec.Budget.MinGain
	if limit <= 0 || req.First%max(1, req.First/20) != 0 {
		return false
	}
	gain, ok := hpo.ExpectedGain(req)
	return ok && gain < limit
}

// whyEnough is the reason of a study that ended before all of its trials because
// they would have gained too little, "" for any other.
func (a *StoreActivities) whyEnough(ctx context.Context, study string) (string, error) {
	p, err := a.proposer(ctx, study)
	if err != nil || p.spec.Budget.MinGain <= 0 {
		return "", err
	}
	past, err := a.Store.Records(ctx, study)
	if err != nil || len(past) >= p.spec.Budget.Trials || len(past) == p.spec.Space.Size() {
		return "", err
	}
	return fmt.Sprintf("after %d trials the next one was expected to improve %s by less than %g", len(past), p.spec.Objective.Metric, p.spec.Budget.MinGain), nil
}
