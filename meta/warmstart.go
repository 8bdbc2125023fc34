package meta

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"budwood/search"
)

// Reader gives access to the studies of the past; a store satisfies it.
type Reader interface {
	// Finished lists the studies that ended with results, the newest first.
	Finished(ctx context.Context) ([]string, error)
	// Describe returns a study's space, its objectives, and the features of its
	// data set as JSON, nil if they are not known.
	Describe(ctx context.Context, study string) (search.Space, []search.Objective, json.RawMessage, error)
	// Top returns at most n trials, the best of the main objective first.
	Top(ctx context.Context, study string, n int) ([]search.Record, error)
}

// Query is a study that wants to start from others.
type Query struct {
	Study      string // its own name: it does not learn from itself
	Space      search.Space
	Objectives []search.Objective // the first one must be another study's first one, too
	Features   Features
	N          int     // configurations at most; 0 means 5
	Threshold  float64 // the least similarity; 0 means 0.6
	From       string  // take this study, however similar; "": look for similar ones

	// Genome writes the genome of past params as the params of this study carry
	// it; ok is false if it does not fit here. Nil: the study has no architecture.
	Genome func(search.Params) (genome string, ok bool)
	Key    func(search.Params) string // the same for the same candidate; nil: [search.Params.Key]
}

const (
	defaultN         = 5
	defaultThreshold = 0.6 // one pair in eight of the 48 data sets behind [Similarity] is as similar
	leastKnown       = 0.5 // share of parameters that must come from the past
	looked           = 4   // past trials for a configuration: some may fall together in the new space
	lookedGenomes    = 20  // the same for networks, of which many may be over the limits
)

// Plan is what to try first, and why.
type Plan struct {
	Candidates []Candidate `json:"candidates,omitempty"` // in the order to try them
	Sources    []Source    `json:"sources,omitempty"`    // the most similar first
	Passed     []string    `json:"passed,omitempty"`     // studies that did not help, each with its reason in words
}

// Candidate is a configuration of a past study, moved into the new space.
type Candidate struct {
	Params     search.Params `json:"params"`
	Study      string        `json:"study"`
	Trial      int           `json:"trial"`
	Similarity float64       `json:"similarity"`
	Value      float64       `json:"value"` // of the main objective, there
}

// Source says where the candidate comes from: "warm start: digits t0012".
func (c Candidate) Source() string {
	return fmt.Sprintf("warm start: %s %s", c.Study, search.TrialName(c.Trial))
}

// Source is a past study that helps.
type Source struct {
	Study      string  `json:"study"`
	Similarity float64 `json:"similarity"`
	Best       float64 `json:"best"`  // value of the main objective
	Taken      int     `json:"taken"` // configurations
}

// String says in one line what was taken from the study, and how similar it is.
func (s Source) String() string {
	word := "configurations"
	if s.Taken == 1 {
		word = "configuration"
	}
	return fmt.Sprintf("warm start: %d %s from study %s (similarity %.2f, best %s)", s.Taken, word, s.Study, s.Similarity, search.FormatNumber(s.Best))
}

// Lines explains the plan, one line a study that helps; without any, one line
// says why.
func (p *Plan) Lines() []string {
	var out []string
	for _, s := range p.Sources {
		out = append(out, s.String())
	}
	switch {
	case len(out) > 0:
	case len(p.Passed) == 0:
		out = []string{"warm start: no finished study yet"}
	default:
		out = []string{"warm start: no finished study fits: " + strings.Join(p.Passed[:min(3, len(p.Passed))], "; ")}
	}
	return out
}

// WarmStart looks for finished studies with the same main objective, an
// overlapping space and similar data, and takes their best configurations: at
// most q.N different ones, shared among the studies in proportion to their
// similarity. A study that cannot be used is passed over with its reason. The
// same past gives the same plan.
func WarmStart(ctx context.Context, r Reader, q Query) (Plan, error) {
	if len(q.Objectives) == 0 {
		return Plan{}, fmt.Errorf("warm start of study %q: it has no objective", q.Study)
	}
	if q.N == 0 {
		q.N = defaultN
	}
	if q.Threshold == 0 {
		q.Threshold = defaultThreshold
	}
	if q.Key == nil {
		q.Key = search.Params.Key
	}
	names, err := r.Finished(ctx)
	if err != nil {
		return Plan{}, fmt.Errorf("warm start of study %q: %w", q.Study, err)
	}
	if q.From != "" {
		if q.From == q.Study || !slices.Contains(names, q.From) {
			return Plan{}, fmt.Errorf("warm start of study %q: there is no other finished study %q", q.Study, q.From)
		}
		names = []string{q.From}
	}
	var plan Plan
	var found []precedent
	for _, name := range names {
		if name == q.Study {
			continue
		}
		p, why, err := consider(ctx, r, q, name)
		if ctx.Err() != nil {
			return Plan{}, ctx.Err()
		}
		if err != nil { // deleted meanwhile, or written by another version
			why = err.Error()
		}
		if why != "" {
			plan.Passed = append(plan.Passed, name+": "+why)
			continue
		}
		found = append(found, p)
	}
	// The most similar first; among equals the newest, as they came.
	slices.SortStableFunc(found, func(a, b precedent) int {
		switch {
		case a.similarity > b.similarity:
			return -1
		case a.similarity < b.similarity:
			return 1
		}
		return 0
	})
	share(&plan, found, q)
	return plan, nil
}

// precedent is a past study that may help.
type precedent struct {
	study      string
	similarity float64
	candidates []Candidate // the best first
	taken      int
	next       int
}

// consider returns a study's candidates, or why it has none.
func consider(ctx context.Context, r Reader, q Query, name string) (p precedent, why string, err error) {
	space, objectives, raw, err := r.Describe(ctx, name)
	if err != nil {
		return p, "", err
	}
	main := normal(q.Objectives[0])
	if len(objectives) == 0 || normal(objectives[0]) != main {
		return p, fmt.Sprintf("its objective is not to %s %s", main.Goal, main.Metric), nil
	}
	var features Features
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &features); err != nil {
			return p, "", fmt.Errorf("its features: %w", err)
		}
	}
	p = precedent{study: name, similarity: Similarity(q.Features, features)}
	if p.similarity < q.Threshold && q.From == "" {
		return p, unlike(q.Features, features, p.similarity, q.Threshold), nil
	}
	n := looked * q.N
	if q.Genome != nil {
		n = lookedGenomes * q.N
	}
	top, err := r.Top(ctx, name, n)
	if err != nil {
		return p, "", err
	}
	for _, rec := range top {
		loss, ok := rec.Loss(main)
		if !ok {
			continue
		}
		params, ok := q.move(rec.Params, space)
		if !ok {
			continue
		}
		p.candidates = append(p.candidates, Candidate{
			Params: params, Study: name, Trial: rec.ID, Similarity: p.similarity, Value: main.Goal.Loss(loss)})
	}
	if len(p.candidates) == 0 {
		if q.Genome != nil {
			return p, "none of its networks fits the architecture", nil
		}
		return p, "no configuration fits into the space", nil
	}
	return p, "", nil
}

// move makes a configuration of another space one of this study, if it fits. A
// configuration was found together with its network, and goes nowhere without
// it; a network is most of what is known, whatever the spaces share besides.
func (q *Query) move(p search.Params, from search.Space) (search.Params, bool) {
	_, has := p[search.ArchitectureKey]
	if has != (q.Genome != nil) {
		return nil, false
	}
	out, known := adapt(p, from, q.Space)
	if !has {
		return out, known >= leastKnown
	}
	genome, ok := q.Genome(p)
	if ok {
		out[search.ArchitectureKey] = genome
	}
	return out, ok
}

// unlike says why two data sets are not similar enough.
func unlike(here, there Features, similarity, threshold float64) string {
	switch {
	case here.Rows <= 0:
		return "nothing is known of the data here"
	case there.Rows <= 0:
		return "nothing is known of its data"
	case here.Task != there.Task:
		return fmt.Sprintf("its task is %s, not %s", there.Task, here.Task)
	}
	return fmt.Sprintf("similarity %.2f < %.2f", similarity, threshold)
}

// normal is an objective with its default goal said.
func normal(o search.Objective) search.Objective {
	if o.Goal == "" {
		o.Goal = search.Minimize
	}
	return o
}
