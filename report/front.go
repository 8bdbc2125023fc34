package report

import (
	"fmt"
	"math"
	"slices"

	"budwood/search"
)

// frontRow is a trial of the Pareto front in its table.
type frontRow struct {
	Name, Params string
	Epochs       int
	Values       []string // by objective
}

// frontCharts show the main objective over each other one, with the front of all
// objectives marked; there are none for one objective.
func (s *Study) frontCharts(f search.Front) []Chart {
	var out []Chart
	for k := 1; k < len(s.Objectives); k++ {
		out = append(out, s.frontChart(f, k))
	}
	return out
}

func (s *Study) frontChart(f search.Front, k int) Chart {
	a, b := s.main(), s.Objectives[k]
	all := Series{Name: "trials", Kind: Dots, Color: "#94a3b8", Faint: true}
	for i := range s.Trials {
		all.X, all.Y = append(all.X, value(&s.Trials[i], b)), append(all.Y, value(&s.Trials[i], a))
		all.Titles = append(all.Titles, s.Trials[i].Name())
	}
	dots := Series{Name: "front", Kind: Dots, Color: palette[1]}
	along := slices.Clone(f.Trials)
	slices.SortStableFunc(along, func(x, y search.FrontTrial) int { // along the other objective, from its best on
		if d := b.Goal.Loss(x.Values[k]) - b.Goal.Loss(y.Values[k]); d != 0 {
			return int(math.Copysign(1, d))
		}
		return x.Trial - y.Trial
	})
	for _, t := range along {
		dots.X, dots.Y = append(dots.X, t.Values[k]), append(dots.Y, t.Values[0])
		dots.Titles = append(dots.Titles, fmt.Sprintf("%s, %d epochs", search.TrialName(t.Trial), t.Budget))
	}
	c := Chart{Title: "Two objectives", X: b.Metric, Y: a.Metric, LogX: decades(all.X), LogY: decades(all.Y), Series: []Series{all, dots}}
	if len(s.Objectives) > 2 {
		c.Title = fmt.Sprintf("Two of %d objectives, and the front of all", len(s.Objectives))
	} else { // with more there is no line between them
		c.Series = []Series{all, {Kind: Steps, Color: palette[1], X: dots.X, Y: dots.Y}, dots}
	}
	return c
}

// frontRows are the trials of the front.
func (s *Study) frontRows(f search.Front) []frontRow {
	var out []frontRow
	for _, t := range f.Trials[:min(len(f.Trials), mostRows)] {
		row := frontRow{Name: search.TrialName(t.Trial), Epochs: t.Budget}
		if i := slices.IndexFunc(s.Trials, func(r search.Record) bool { return r.ID == t.Trial }); i >= 0 {
			row.Params = s.params(&s.Trials[i])
		}
		for _, v := range t.Values {
			row.Values = append(row.Values, search.FormatNumber(v))
		}
		out = append(out, row)
	}
	return out
}
