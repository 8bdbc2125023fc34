package nas

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// Ancestor is a step of a lineage: a trial and where it comes from.
type Ancestor struct {
	Trial     int
	Origin    Origin
	Inherited float64 // share of its tensors that took over some of the main parent's, 0 to 1
}

// Lineage follows a trial of a study back to its first ancestor, along the main
// parents. It ends early if a record is missing.
func Lineage(all []search.Record, trial int) []Ancestor {
	var out []Ancestor
	for {
		at, ok := slices.BinarySearchFunc(all, trial, func(r search.Record, id int) int { return cmp.Compare(r.ID, id) })
		if !ok {
			return out
		}
		o, _ := OriginOf(all[at].Params)
		m, _ := all[at].Last()
		out = append(out, Ancestor{trial, o, m.Metrics["inherited"]})
		if len(o.Parents) == 0 || o.Parents[0] >= trial {
			return out
		}
		trial = o.Parents[0]
	}
}

// Avoided is the number of candidates of a study that were drawn and not trained
// because the same had been tried.
func Avoided(all []search.Record) int {
	n := 0
	for i := range all {
		if o, ok := OriginOf(all[i].Params); ok {
			n += o.Avoided
		}
	}
	return n
}

// Correlation is how well a proxy ranks the trials that were trained.
type Correlation struct {
	Proxy  string
	Rho    float64 // Spearman's rank correlation with the objective, 1 if more by the proxy is always better
	Trials int
}

// Correlations of every proxy, and of the value after the first segment
// ("epochs 1"), with the final value, over the trials that were measured at the
// largest budget that at least five of them reached. It builds the networks of
// those trials, at most 200.
func (s *Space) Correlations(all []search.Record, goal search.Objective) []Correlation {
	budget := commonBudget(all, 5)
	var genomes []Genome
	var final, early []float64
	first := 0
	for i := range all {
		r := &all[i]
		m := measuredAt(r, budget)
		g, err := FromParams(r.Params)
		if m < 0 || err != nil || len(genomes) == 200 {
			continue
		}
		v, ok := r.Measurements[m].Metrics[goal.Metric]
		if !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		genomes, final = append(genomes, g), append(final, -goal.Goal.Loss(v))
		early = append(early, -goal.Goal.Loss(r.Measurements[0].Metrics[goal.Metric]))
		first = max(first, r.Measurements[0].Budget)
	}
	if len(genomes) < 5 {
		return nil
	}
	var out []Correlation
	if first < budget {
		out = append(out, Correlation{"first rung", search.Spearman(early, final), len(final)})
	}
	for _, name := range Proxies() {
		f, err := s.Proxy(name)
		if err != nil {
			continue
		}
		x := make([]float64, len(genomes))
		for i, g := range genomes {
			x[i] = f(g)
		}
		out = append(out, Correlation{name, search.Spearman(x, final), len(final)})
	}
	return out
}
