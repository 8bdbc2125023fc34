package study

import (
	"context"
	"errors"

	"budwood/meta"
	"budwood/nas"
	"budwood/search"
	"budwood/trials/store"
)

// CheckWarmStart is an error if a new study wants to start from one that is not
// there, or that has not ended.
func CheckWarmStart(ctx context.Context, db *store.Store, s *Spec) error {
	from := s.Search.WarmStart
	if from == "" || from == "auto" || from == "off" {
		return nil
	}
	if _, err := db.Study(ctx, s.Name); !errors.Is(err, store.ErrNoStudy) {
		return err // it goes on
	}
	switch old, err := db.Study(ctx, from); {
	case err != nil:
		return &FieldError{"search.warm_start", err}
	case old.State == store.StudyRunning:
		return wrong("search.warm_start", "study %q has not ended", from)
	}
	return nil
}

// warmStart looks for studies that help this one; nil if it does not want any.
func (a *Recorder) warmStart(ctx context.Context, spec *Spec, f meta.Features) (*meta.Plan, error) {
	if spec.Search.WarmStart == "off" {
		return nil, nil
	}
	q := meta.Query{Study: spec.Name, Space: spec.Space, Objectives: spec.Objectives(), Features: f}
	if spec.Search.WarmStart != "auto" {
		q.From = spec.Search.WarmStart
	}
	if spec.Architecture != nil {
		space, err := spec.network()
		if err != nil {
			return nil, err
		}
		q.Key, q.Genome = nas.Key, func(p search.Params) (string, bool) { return adopted(space, p) }
	}
	plan, err := meta.WarmStart(ctx, a.Store, q)
	return &plan, err
}

// adopted is the genome of another study's trial, if its network may be built
// here. The origin stays behind: its parents are trials of that study.
func adopted(space *nas.Space, p search.Params) (string, bool) {
	g, err := nas.FromParams(p)
	if err == nil {
		_, _, err = space.Build(g)
	}
	if err != nil {
		return "", false
	}
	out := search.Params{}
	g.Into(out)
	text, ok := out[search.ArchitectureKey].(string)
	return text, ok
}
