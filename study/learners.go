package study

import (
	"fmt"
	"slices"

	"budwood/learn/network"
	"budwood/learn/tabular"
	"budwood/search"
)

// LearnerTable are the hyperparameters of learners that are no networks.
var LearnerTable = tabular.Table

// isTable reports whether the data is a table whose columns are no pixels.
func (s *Spec) isTable() bool {
	return s.Data != nil && (s.Data.CSV != "" || s.Data.Parquet != "") && len(s.Data.Image) == 0
}

// chooseSpace gives a study of a table that says neither space nor architecture those of all learners, without what is
// fixed under train.
func (s *Spec) chooseSpace() error {
	if len(s.Space) > 0 || s.Architecture != nil || s.Compress != nil || s.Command != nil || !s.isTable() {
		return nil
	}
	specs := allLearners
	if fixed, ok := s.Train[tabular.Key]; ok {
		i := slices.IndexFunc(specs[0].Choice, func(o search.OptionSpec) bool { return o.Value == fixed })
		if i < 0 {
			return nil // it is told what there is when train is checked
		}
		specs = specs[0].Choice[i].Space
	}
	space, err := search.FromSpecs(s.free(specs))
	if err != nil {
		return fmt.Errorf("the space of all learners: %w", err)
	}
	if s.Space = space; s.Search.Min == 0 && s.Search.Supernet == "" {
		s.Search.Min = min(3, max(s.Budget.Epochs, 1)) // boosting needs some rounds before it can be compared
		if s.Budget.Epochs == 0 {
			s.Search.Min = 3
		}
	}
	return nil
}

// free are parameters without those that are fixed under train.
func (s *Spec) free(specs []search.ParamSpec) (out []search.ParamSpec) {
	for _, p := range specs {
		if _, fixed := s.Train[p.Name]; fixed {
			continue
		}
		p.Choice = slices.Clone(p.Choice)
		for i, o := range p.Choice {
			p.Choice[i].Space = s.free(o.Space)
		}
		out = append(out, p)
	}
	return out
}

func option(value string, space ...search.ParamSpec) search.OptionSpec {
	return search.OptionSpec{Value: value, Space: space}
}

// allLearners is the space of a table whose study gives none.
var allLearners = []search.ParamSpec{{Name: tabular.Key, Choice: []search.OptionSpec{
	option(tabular.Boosting,
		search.ParamSpec{Name: "rate", Float: []float64{.03, .3}, Log: true},
		search.ParamSpec{Name: "growth", Choice: []search.OptionSpec{
			option("depth", search.ParamSpec{Name: "depth", Int: []int{2, 10}}),
			option("leaf", search.ParamSpec{Name: "leaves", Int: []int{4, 128}, Log: true}),
		}},
		search.ParamSpec{Name: "min_child", Float: []float64{.1, 30}, Log: true},
		search.ParamSpec{Name: "l2", Float: []float64{.01, 30}, Log: true},
		search.ParamSpec{Name: "row_share", Float: []float64{.5, 1}},
		search.ParamSpec{Name: "column_share", Float: []float64{.2, 1}},
	),
	option(tabular.Network,
		search.ParamSpec{Name: "lr", Float: []float64{.0005, .02}, Log: true},
		search.ParamSpec{Name: "layers", Int: []int{1, 4}},
		search.ParamSpec{Name: "width", Int: []int{16, 256}, Log: true},
		search.ParamSpec{Name: "act", Choice: []search.OptionSpec{option("relu"), option("gelu"), option("tanh")}},
		search.ParamSpec{Name: "dropout", Float: []float64{0, .5}},
		search.ParamSpec{Name: "weight_decay", Float: []float64{.0001, .3}, Log: true},
		search.ParamSpec{Name: "batch", Ordinal: []search.OptionSpec{{Value: 32}, {Value: 64}, {Value: 128}}},
	),
	option(tabular.Forest,
		search.ParamSpec{Name: "extra", Choice: []search.OptionSpec{option("no"), option("yes")}},
		search.ParamSpec{Name: "min_leaf", Float: []float64{1, 20}, Log: true},
		search.ParamSpec{Name: "column_share", Float: []float64{.2, 1}},
	),
	option(tabular.Linear, search.ParamSpec{Name: "penalty", Float: []float64{.001, 1000}, Log: true}),
}}}

// learners are the values that the hyperparameter learner may have in this study: where it is fixed or searched; network if it is
// neither.
func (s *Spec) learners() (path string, names []string) {
	if v, ok := s.Train[tabular.Key]; ok {
		return "train." + tabular.Key, []string{fmt.Sprint(v)}
	}
	for i, p := range s.Space {
		for _, d := range (search.Space{p}).Dims() {
			if d.Name != tabular.Key {
				continue
			}
			for _, o := range d.Options {
				names = append(names, fmt.Sprint(o.Value))
			}
			return fmt.Sprintf("space[%d]", i), names
		}
	}
	return "", []string{tabular.Network}
}

// checkLearners refuses what networks alone have, if the study has other learners.
func (s *Spec) checkLearners() error {
	path, names := s.learners()
	if !slices.ContainsFunc(names, func(n string) bool { return n != tabular.Network }) {
		return nil
	}
	name := names[slices.IndexFunc(names, func(n string) bool { return n != tabular.Network })]
	m := s.Mesh
	switch {
	case m.Auto || m.Ranks.Max > 1 || m.Data > 1 || m.Tensor > 1 || m.Pipeline > 1 || m.Recompute != "" || m.Zero > 0:
		return wrong(path, "the learner %s is no network, and mesh cuts networks: leave mesh out, or give its threads alone", name)
	case s.Train[teacherKey] != nil:
		return wrong(path, "the learner %s is no network, and a teacher teaches networks: leave one of them out", name)
	}
	for i, o := range s.Objectives() {
		at := "objective.metric"
		if i > 0 {
			at = fmt.Sprintf("also[%d].metric", i-1)
		}
		switch o.Metric {
		case network.LatencyUS, network.InferenceMWh, network.SizeBytes:
			return wrong(at, "%s is predicted of networks, and the study has the learner %s: leave one of them out", o.Metric, name)
		}
	}
	return nil
}
