package study

import (
	"context"
	"errors"
	"fmt"

	"budwood/data"
	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/search"
	"budwood/trials/blob"
)

// checkRecipes tries the ends of every range and every choice of the space, and
// the fixed hyperparameters, on the training recipe and the default network.
func checkRecipes(s *Spec) error {
	try := func(path string, p search.Params) error {
		_, err := network.ReadRecipe(p)
		if err == nil {
			_, err = readMLP(p)
		}
		if err == nil {
			err = tabular.Check(p)
		}
		if err != nil {
			return &FieldError{path, err}
		}
		return nil
	}
	if err := try("train", s.Train); err != nil {
		return err
	}
	for i, q := range s.Space {
		for _, d := range (search.Space{q}).Dims() {
			values := []any{}
			for _, o := range d.Options {
				values = append(values, o.Value)
			}
			if d.Kind != search.KindChoice {
				values = append(values, d.Decode(0), d.Decode(1))
			}
			for _, v := range values {
				if err := try(fmt.Sprintf("space[%d]", i), search.Params{d.Name: v}); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// KeepData stores the files of the study's data where its workers find them, and
// notes what is in them. It changes nothing in a study without data.
func (s *Spec) KeepData(ctx context.Context, files *blob.DataFiles) error {
	if s.Data == nil {
		return nil
	}
	kept, err := files.Keep(ctx, *s.Data)
	if err == nil {
		s.Data = &kept
	}
	return err
}

// dataError is an error of the data as one of the study's settings.
func dataError(err error) error {
	var e *data.Error
	switch {
	case !errors.As(err, &e) || e.Key == "":
		return &FieldError{"data", err}
	case e.Path == "": // the field says already what e would say
		return &FieldError{"data." + e.Key, e.Err}
	}
	return &FieldError{"data." + e.Key, err}
}

// Probe loads the study's data and checks what depends on it: that the metrics
// fit the task, and that some network fits the data. It returns nil data for a
// study with a Go objective.
func (s *Spec) Probe(ctx context.Context, cache *data.Cache) (*data.Data, error) {
	if s.Data == nil {
		return nil, nil
	}
	d, err := cache.Load(ctx, *s.Data)
	if err != nil {
		return nil, dataError(err)
	}
	for i, o := range s.Objectives() {
		path := "objective.metric"
		if i > 0 {
			path = fmt.Sprintf("also[%d].metric", i-1)
		}
		if err := s.checkMetric(path, o.Metric, d); err != nil {
			return nil, err
		}
	}
	s.Input, s.Outputs = d.Train.Shape, max(d.Classes, d.Train.Outputs)
	if s.Architecture != nil {
		if (s.Architecture.Family == "text") != (s.Data.Text != nil) && s.Architecture.Grammar == nil {
			return nil, wrong("architecture.family", "%s does not fit the data: text is for data.text, and for that alone", s.Architecture.Family)
		}
		if s.Architecture.Family == "text" {
			a := *s.Architecture
			a.Vocab = d.Classes
			s.Architecture = &a
		}
		space, err := s.Architecture.Space()
		if err == nil {
			_, err = space.For(s.Input, s.Outputs)
		}
		if err != nil {
			return nil, architectureError(err)
		}
	}
	return d, nil
}
