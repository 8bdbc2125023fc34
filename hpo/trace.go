package hpo

import "budwood/search"

// Incumbent is a trial that was better than all before it.
type Incumbent struct {
	Trial  int     `json:"trial"`
	Value  float64 `json:"value"`  // of the objective, at the trial's last measurement
	Budget int     `json:"budget"` // of all trials up to this one
	Joules float64 `json:"joules"` // likewise
}

// Trace lists the incumbents of a study in the order of its trials.
func Trace(trials []search.Record, o search.Objective) []Incumbent {
	var out []Incumbent
	budget, joules := 0, 0.
	for i := range trials {
		r := &trials[i]
		joules += r.Joules
		m, ok := r.Last()
		if ok {
			budget += m.Budget
		}
		if _, ok = lossOf(r, o); !ok {
			continue
		}
		if v := m.Metrics[o.Metric]; len(out) == 0 || o.Goal.Better(v, out[len(out)-1].Value) {
			out = append(out, Incumbent{r.ID, v, budget, joules})
		}
	}
	return out
}
