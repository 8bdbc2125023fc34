package study

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"budwood/search"
)

// Edit is what may change in a study that runs; what is not given stays. The
// budgets are totals.
type Edit struct {
	Trials   *int         `json:"trials,omitempty"`
	Time     *Duration    `json:"time,omitempty"`      // 0: no limit
	EnergyWh *float64     `json:"energy_wh,omitempty"` // 0: no limit
	Parallel *int         `json:"parallel,omitempty"`
	Batch    *int         `json:"batch,omitempty"`
	Priority *int         `json:"priority,omitempty"`
	Space    search.Space `json:"space,omitempty"`

	// Constraints replace those of the study; an empty list removes them. Trials
	// that break them stay on record.
	Constraints *[]string `json:"constraints,omitempty"`
}

// Grown is what a study that runs as before needs to get the larger budgets of s; none
// of them is, if says is "".
func (s *Spec) Grown(before *Spec) (e Edit, says string) {
	larger := func(was, is float64) bool { return was != 0 && (is == 0 || is > was) } // 0 is no limit
	var list []string
	a, b := before.Budget, s.Budget
	if b.Trials > a.Trials {
		e.Trials = &b.Trials
		list = append(list, fmt.Sprintf("budget.trials is %d, no longer %d", b.Trials, a.Trials))
	}
	if larger(float64(a.Time), float64(b.Time)) {
		e.Time = &b.Time
		list = append(list, fmt.Sprintf("budget.time is %s, no longer %v", limit(b.Time == 0, b.Time), a.Time))
	}
	if larger(a.EnergyWh, b.EnergyWh) {
		e.EnergyWh = &b.EnergyWh
		list = append(list, fmt.Sprintf("budget.energy_wh is %s, no longer %v", limit(b.EnergyWh == 0, b.EnergyWh), a.EnergyWh))
	}
	return e, strings.Join(list, "; ")
}

// limit writes a budget.
func limit(none bool, v any) string {
	if none {
		return "not limited"
	}
	return fmt.Sprint(v)
}

// Candidate is a point that the user wants tried.
type Candidate struct {
	Params search.Params `json:"params"`
	Source string        `json:"source,omitempty"` // "" means "user"
}

// Trial is the candidate as a trial.
func (c Candidate) Trial(id int) search.Trial {
	return search.Trial{ID: id, Params: c.Params, Source: cmp.Or(c.Source, "user")}
}

// edited is the specification of a study after an edit, when so many trials were
// started.
func (s *Spec) Edited(e Edit, started int) (Spec, error) {
	spec := *s
	zero := func(v *int) bool { return v != nil && *v == 0 } // a study file means the default by it
	switch {
	case zero(e.Trials):
		return spec, wrong("budget.trials", "give at least 1, not 0")
	case zero(e.Parallel):
		return spec, wrong("search.parallel", "give at least 1, not 0")
	}
	if e.Trials != nil {
		spec.Budget.Trials = *e.Trials
	}
	if e.Time != nil {
		spec.Budget.Time = *e.Time
	}
	if e.EnergyWh != nil {
		spec.Budget.EnergyWh = *e.EnergyWh
	}
	if e.Parallel != nil {
		spec.Search.Parallel = *e.Parallel
	}
	if e.Batch != nil {
		spec.Search.Batch = *e.Batch
	}
	if e.Priority != nil {
		spec.Search.Priority = *e.Priority
	}
	if e.Space != nil {
		if err := s.Space.Compatible(e.Space); err != nil {
			return spec, &FieldError{"space", err}
		}
		spec.Space = e.Space
	}
	if e.Constraints != nil {
		spec.Constraints = *e.Constraints
	}
	tried := min(started, len(spec.StartWith)) // history, whatever the space is now
	before := slices.Clone(spec.StartWith[:tried])
	spec.StartWith = slices.Clone(spec.StartWith[tried:])
	err := spec.Complete()
	spec.StartWith = append(before, spec.StartWith...)
	return spec, err
}

// fillCandidate are a candidate's params as the space types them; what they leave
// out is drawn, by the number of its trial.
func (s *Spec) Fill(c Candidate, trial int) (search.Params, error) {
	constraints, err := search.Constrain(s.Space, s.Constraints...)
	if err != nil {
		return nil, &FieldError{"constraints", err}
	}
	p, err := fill(s.Space, constraints, c.Params, search.Rand(s.Search.Seed, trial))
	if err != nil {
		return nil, &FieldError{"params", err}
	}
	return p, nil
}
