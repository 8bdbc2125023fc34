package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"budwood/hpo"
	"budwood/search"
)

// Study is what a page shows.
type Study struct {
	Name       string
	State      string
	Reason     string // why it ended, if not because its trials were done
	Space      search.Space
	Objectives []search.Objective
	Trials     []search.Record
	Curves     map[int][]search.Measurement // by trial, one an epoch; a trial without one has its measurements
	Test       search.Metrics               // of the best trial

	Network Network // of the best trial, in an architecture search

	// Params puts params in words; nil means their String, which knows no genomes.
	Params func(search.Params) string
}

// Network is what a page shows of a network that was found.
type Network struct {
	Drawing string // SVG; trusted, as it is written into the page as it is
	About   string // in lines
}

func (s *Study) params(r *search.Record) string {
	if s.Params == nil {
		return r.Params.String()
	}
	return s.Params(r.Params)
}

func (s *Study) main() search.Objective { return s.Objectives[0] }

// value is a trial's last value of an objective, NaN if it has none.
func value(r *search.Record, o search.Objective) float64 {
	loss, ok := r.Loss(o)
	if !ok || !r.State.Usable() {
		return math.NaN()
	}
	return o.Goal.Loss(loss) // its own inverse
}

// ranks are the trials' places by the main objective, 0 the best and 1 the worst;
// those without a value are worst.
func (s *Study) ranks() []float64 {
	order := s.byValue()
	out := make([]float64, len(s.Trials))
	for place, i := range order {
		out[i] = float64(place) / float64(max(len(order)-1, 1))
		if math.IsNaN(value(&s.Trials[i], s.main())) {
			out[i] = 1
		}
	}
	return out
}

// byValue lists the trials, the best first and those without a value last.
func (s *Study) byValue() []int {
	out := make([]int, len(s.Trials))
	for i := range out {
		out[i] = i
	}
	o := s.main()
	slices.SortStableFunc(out, func(a, b int) int {
		x, y := value(&s.Trials[a], o), value(&s.Trials[b], o)
		switch {
		case o.Goal.Better(x, y):
			return -1
		case o.Goal.Better(y, x):
			return 1
		}
		return 0
	})
	return out
}

// trace is the best value after each trial, among the values themselves.
func (s *Study) trace() Chart {
	o := s.main()
	all := Series{Name: "trials", Kind: Dots, Color: "#94a3b8", Faint: true}
	best := Series{Name: "incumbent", Kind: Steps, Color: palette[0]}
	for i := range s.Trials {
		r := &s.Trials[i]
		all.X, all.Y = append(all.X, float64(r.ID)), append(all.Y, value(r, o))
		all.Titles = append(all.Titles, r.Name()+" "+string(r.State))
	}
	for _, t := range hpo.Trace(s.Trials, o) {
		best.X, best.Y = append(best.X, float64(t.Trial)), append(best.Y, t.Value)
	}
	if len(best.X) > 0 {
		best.upTo(float64(s.Trials[len(s.Trials)-1].ID))
	}
	return Chart{Title: "Best value so far", X: "trial", Y: o.Metric, WholeX: true, Series: []Series{all, best}}
}

// price is the best value over the energy that was spent until then, trial by
// trial, if it is known.
func (s *Study) price() (Chart, bool) {
	o := s.main()
	best := Series{Kind: Steps, Color: palette[2]}
	for _, t := range hpo.Trace(s.Trials, o) {
		best.X, best.Y = append(best.X, t.Joules/3600), append(best.Y, t.Value)
		best.Titles = append(best.Titles, search.TrialName(t.Trial))
	}
	all := 0.
	for i := range s.Trials {
		all += s.Trials[i].Joules
	}
	if len(best.X) == 0 || all == 0 {
		return Chart{}, false
	}
	best.upTo(all / 3600)
	return Chart{Title: "Best value for the energy", X: "Wh", Y: o.Metric, Series: []Series{best}}, true
}

// pair are the trials over the two numeric parameters that matter most, if there
// are as many.
func (s *Study) pair(importance Bars) (Chart, bool) {
	var dims []*search.Dim
	for _, name := range importance.Names {
		for _, d := range s.Space.Dims() {
			if d.Name == name && d.Kind != search.KindChoice {
				dims = append(dims, d)
			}
		}
	}
	if len(dims) < 2 {
		return Chart{}, false
	}
	x, y := dims[0], dims[1]
	rank, order := s.ranks(), s.byValue()
	order = order[:min(len(order), 1000)]
	worst := cmp.Or(rank[order[len(order)-1]], 1)
	c := Chart{Title: "Two parameters that matter" + s.darker(len(order)), X: x.Name, Y: y.Name, LogX: x.Log, LogY: y.Log, WholeX: x.Kind == search.KindInt, WholeY: y.Kind == search.KindInt}
	slices.Reverse(order) // the best last, in front
	for _, i := range order {
		r := &s.Trials[i]
		c.Series = append(c.Series, Series{Kind: Dots, Color: rgb(rank[i] / worst), X: []float64{coordinate(x, r.Params)}, Y: []float64{coordinate(y, r.Params)},
			Titles: []string{r.Name() + " " + s.params(r)}})
	}
	return c, true
}

// darker ends the title of a chart that shows trials, the better the darker, and
// says how many they are if not all.
func (s *Study) darker(shown int) string {
	if shown < len(s.Trials) {
		return fmt.Sprintf(" (best %d, dark is better)", shown)
	}
	return " (dark is better)"
}

// curves are the learning curves, the better a trial the darker.
func (s *Study) curves() Chart {
	o := s.main()
	rank, order := s.ranks(), s.byValue()
	order = order[:min(len(order), 200)]
	worst := cmp.Or(rank[order[len(order)-1]], 1)
	c := Chart{Title: "Learning curves" + s.darker(len(order)), X: "epochs", Y: o.Metric}
	slices.Reverse(order) // the best last, in front
	longest := 0
	for _, i := range order {
		r := &s.Trials[i]
		list := s.Curves[r.ID]
		if len(list) == 0 {
			list = r.Measurements
		}
		line := Series{Color: rgb(rank[i] / worst), Faint: rank[i]/worst > .1, Titles: []string{r.Name() + " " + string(r.State)}}
		for _, m := range list {
			v, ok := m.Metrics[o.Metric]
			if !ok {
				v = math.NaN()
			}
			line.X, line.Y = append(line.X, float64(m.Budget)), append(line.Y, v)
			longest = max(longest, m.Budget)
		}
		c.Series = append(c.Series, line)
	}
	c.LogX = longest > 20
	c.WholeX = !c.LogX
	return c
}

// importance compares the two ways to tell it.
func (s *Study) importance() (Bars, bool) {
	ped, variance := hpo.PEDANOVA(s.Space, s.Trials, s.main(), 0), hpo.FANOVA(s.Space, s.Trials, s.main())
	if len(ped) == 0 {
		return Bars{}, false
	}
	share := map[string]float64{}
	for _, x := range variance {
		share[x.Param] = x.Share
	}
	b := Bars{Title: "Importance of the parameters", Groups: []Group{{Name: "for the top 10 % (PED-ANOVA)"}, {Name: "of the variance (fANOVA)"}}}
	for n, x := range ped {
		if n >= 12 && share[x.Param] < .01 || x.Share+share[x.Param] == 0 {
			continue
		}
		b.Names = append(b.Names, x.Param)
		b.Groups[0].Values = append(b.Groups[0].Values, x.Share)
		b.Groups[1].Values = append(b.Groups[1].Values, share[x.Param])
	}
	return b, true
}

// coordinate is a parameter's value for a chart: a number, or the index of a
// choice; NaN where it does not exist.
func coordinate(d *search.Dim, p search.Params) float64 {
	v, ok := p[d.Name]
	if !ok {
		return math.NaN()
	}
	if d.Kind == search.KindChoice {
		if i := d.Index(v); i >= 0 {
			return float64(i)
		}
		return math.NaN()
	}
	x, ok := search.Number(v)
	if !ok {
		return math.NaN()
	}
	return x
}

// names are the values of a choice, nil for other parameters.
func names(d *search.Dim) []string {
	var out []string
	for _, o := range d.Options {
		out = append(out, fmt.Sprint(o.Value))
	}
	return out
}

// slices are the objective over each parameter.
func (s *Study) slices() []Chart {
	var out []Chart
	for _, d := range s.Space.Dims() {
		dots := Series{Kind: Dots, Color: palette[0], Faint: true}
		for i := range s.Trials {
			r := &s.Trials[i]
			dots.X = append(dots.X, coordinate(d, r.Params))
			dots.Y = append(dots.Y, value(r, s.main()))
			dots.Titles = append(dots.Titles, r.Name()+" "+s.params(r))
		}
		c := Chart{X: d.Name, Y: s.main().Metric, LogX: d.Log, WholeX: d.Kind == search.KindInt, Width: 300, Height: 210, Series: []Series{dots}, Names: names(d)}
		if n := len(c.Names); n > 0 { // room at both ends
			c.Series = append(c.Series, Series{Kind: Dots, X: []float64{-.5, float64(n) - .5}, Y: []float64{math.NaN(), math.NaN()}})
		}
		out = append(out, c)
	}
	return out
}

// parallel shows every parameter and the objective of each trial.
func (s *Study) parallel() Parallel {
	p := Parallel{Title: "Parallel coordinates" + s.darker(len(s.Trials)), Order: s.ranks()}
	objective := Column{Name: s.main().Metric}
	for i := range s.Trials {
		objective.Values = append(objective.Values, value(&s.Trials[i], s.main()))
		p.Titles = append(p.Titles, s.Trials[i].Name()+" "+s.params(&s.Trials[i]))
	}
	for _, d := range s.Space.Dims() {
		c := Column{Name: d.Name, Log: d.Log, Whole: d.Kind == search.KindInt, Labels: names(d)}
		for i := range s.Trials {
			c.Values = append(c.Values, coordinate(d, s.Trials[i].Params))
		}
		p.Columns = append(p.Columns, c)
	}
	p.Columns = append(p.Columns, objective)
	return p
}

// decades reports whether values spread so far that they want a logarithmic axis.
func decades(values []float64) bool {
	lo, hi := math.Inf(1), 0.
	for _, v := range values {
		if !math.IsNaN(v) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	return lo > 0 && hi > 30*lo
}

// rung is a row of the table of budgets.
type rung struct {
	Budget, Reached, Ended int
	Best                   string
}

// rungs counts the trials by budget, where more than one was measured at a budget
// that is not everyone's last.
func (s *Study) rungs() []rung {
	at := map[int]*rung{}
	best := map[int]float64{}
	o := s.main()
	for i := range s.Trials {
		r := &s.Trials[i]
		for k, m := range r.Measurements {
			v, ok := m.Metrics[o.Metric]
			if !ok {
				continue
			}
			if at[m.Budget] == nil {
				at[m.Budget] = &rung{Budget: m.Budget}
				best[m.Budget] = math.NaN()
			}
			at[m.Budget].Reached++
			if k == len(r.Measurements)-1 {
				at[m.Budget].Ended++
			}
			if o.Goal.Better(v, best[m.Budget]) {
				best[m.Budget] = v
			}
		}
	}
	var out []rung
	for b, r := range at {
		r.Best = search.FormatNumber(best[b])
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b rung) int { return a.Budget - b.Budget })
	return out
}
