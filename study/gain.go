package study

import (
	"context"
	"fmt"
	"strings"

	"budwood/hpo"
	"budwood/search"
)

// enough reports whether the trial that a request asks for would gain too little
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
// the space held no more of them, or because they would have gained too little; ""
// for any other.
func (a *Recorder) whyEnough(ctx context.Context, study string) (string, error) {
	p, err := a.proposer(ctx, study)
	if err != nil {
		return "", err
	}
	past, err := a.Store.Records(ctx, study)
	if err != nil {
		return "", err
	}
	n := 0 // trials of the search
	for i := range past {
		if !strings.HasPrefix(past[i].Source, retrainSource) {
			n++
		}
	}
	switch limit := p.spec.Budget.MinGain; {
	case n >= p.spec.Budget.Trials:
		return "", nil
	case limit > 0 && n != p.spec.Space.Size():
		return fmt.Sprintf("after %d trials the next one was expected to improve %s by less than %g", n, p.spec.Objective.Metric, limit), nil
	}
	return search.ErrExhausted.Error(), nil
}
