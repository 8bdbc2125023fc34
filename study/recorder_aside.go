package study

import (
	"context"

	"budwood/trials"
)

// AsideResult is what a study needs to know of the trials that are set aside now.
type AsideResult struct {
	Trials []int `json:"trials"`
	Top    []Row `json:"top,omitempty"` // the best of the others
}

// SetAside stores why trials do not count; "" means that they do.
func (a *Recorder) SetAside(ctx context.Context, study string, list []int, why string) (AsideResult, error) {
	if _, err := a.Store.SetAside(ctx, study, list, why); err != nil {
		return AsideResult{}, err
	}
	return a.aside(ctx, study)
}

func (a *Recorder) aside(ctx context.Context, study string) (out AsideResult, err error) {
	if out.Trials, err = a.Store.Aside(ctx, study); err != nil {
		return out, err
	}
	row, err := a.Store.Study(ctx, study)
	if err != nil {
		return out, err
	}
	top, err := a.Store.Top(ctx, study, boardSize)
	if err != nil {
		return out, err
	}
	ids := make([]int, len(top))
	for i := range top {
		ids[i] = top[i].ID
	}
	last, err := a.Store.LastSegments(ctx, study, ids)
	if err != nil {
		return out, err
	}
	for _, r := range top {
		m, _ := r.Last()
		out.Top = append(out.Top, Row{r.ID, r.Params, r.State, m.Metrics[row.Objectives[0].Metric], m.Budget, r.Joules, r.Seconds, trials.EndKey(study, r.ID, last[r.ID])})
	}
	return out, nil
}
