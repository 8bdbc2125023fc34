package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"budwood/hpo"
	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// paretoProblem has several losses. What a run is left with is the share of the
// volume below ref that its front does not dominate, of what can be dominated.
type paretoProblem struct {
	name  string
	space search.Space
	f     func(search.Params) []float64
	ref   []float64
	most  float64 // the volume of the true front
}

var paretoSamplers = []struct {
	name string
	make func() search.Sampler
}{
	{"random", func() search.Sampler { return hpo.Random{} }},
	{"nsga2", func() search.Sampler { return hpo.NSGA2{} }},
	{"motpe", func() search.Sampler { return hpo.MOTPE{} }},
	{"ehvi", func() search.Sampler { return &hpo.EHVI{} }},
}

// paretoProblems are ZDT1 and ZDT2 (Zitzler, Deb & Thiele 2000) and DTLZ2 (Deb
// et al. 2002) in six dimensions, and two tables of real trainings with the size
// of the network as the second loss.
func paretoProblems(dir string) ([]paretoProblem, error) {
	const dims = 6
	var space search.Space
	var keys []search.FloatParam
	for i := range dims {
		k := search.Float(fmt.Sprintf("x%d", i), 0, 1)
		space, keys = append(space, k), append(keys, k)
	}
	zdt := func(h func(f, g float64) float64) func(search.Params) []float64 {
		return func(p search.Params) []float64 {
			g := 1.
			for _, k := range keys[1:] {
				g += 9 * k.In(p) / (dims - 1)
			}
			f := keys[0].In(p)
			return []float64{f, g * h(f, g)}
		}
	}
	dtlz2 := func(p search.Params) []float64 {
		g := 0.
		for _, k := range keys[2:] {
			g += (k.In(p) - .5) * (k.In(p) - .5)
		}
		a, b := keys[0].In(p)*math.Pi/2, keys[1].In(p)*math.Pi/2
		return []float64{(1 + g) * math.Cos(a) * math.Cos(b), (1 + g) * math.Cos(a) * math.Sin(b), (1 + g) * math.Sin(a)}
	}
	out := []paretoProblem{
		{"zdt1", space, zdt(func(f, g float64) float64 { return 1 - math.Sqrt(f/g) }), []float64{1.1, 5}, 4 + 2./3 + .5},
		{"zdt2", space, zdt(func(f, g float64) float64 { return 1 - f*f/g/g }), []float64{1.1, 5}, 4 + 1./3 + .5},
		{"dtlz2", space, dtlz2, []float64{2.5, 2.5, 2.5}, 2.5*2.5*2.5 - math.Pi/6},
	}
	if dir == "" {
		return out, nil
	}
	for _, t := range tables() {
		sizes := map[string][]string{"fcnet_protein_structure": {"n_units_1", "n_units_2"}, "hpobench_phoneme": {"depth", "width"}}[t.name]
		if sizes == nil {
			continue
		}
		p, err := t.load(dir)
		if err != nil {
			return nil, err
		}
		loss := p.run()
		f := func(at search.Params) []float64 {
			size := 0. // the sum of the ordinals' places
			for _, s := range sizes {
				v, _ := search.Number(at[s])
				size += v
			}
			value, _ := loss(at, 0, 0, 1)
			return []float64{p.regret(value), size / 10}
		}
		q := paretoProblem{name: t.name + "+size", space: p.space, f: f, ref: []float64{1, 2}}
		var all [][]float64
		for i := range p.space.Size() {
			all = append(all, f(p.space.Nth(i)))
		}
		q.most = search.Hypervolume(all, q.ref)
		out = append(out, q)
	}
	return out, nil
}

// pareto runs every sampler on the problems with several losses.
func pareto(out io.Writer, dir, parts, names, optuna string, seeds, trials int) error {
	problems, err := paretoProblems(dir)
	if err != nil {
		return err
	}
	rep := newReport(trials)
	theirs := map[string]map[string][][]float64{} // by problem and sampler, one row a seed
	if optuna != "" {
		b, err := os.ReadFile(optuna)
		if err == nil {
			err = json.Unmarshal(b, &theirs)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", optuna, err)
		}
	}
	for _, p := range problems {
		if parts != "" && !slices.ContainsFunc(strings.Split(parts, ","), func(s string) bool { return strings.Contains(p.name, s) }) {
			continue
		}
		for _, s := range paretoSamplers {
			if names != "" && !slices.Contains(strings.Split(names, ","), s.name) {
				continue
			}
			for seed := range seeds {
				missed, err := p.missed(s.make(), trials, uint64(seed))
				if err != nil {
					return fmt.Errorf("%s on %s, seed %d: %w", s.name, p.name, seed, err)
				}
				rep.add(p.name, s.name, missed)
			}
		}
		for _, s := range []string{"tpe", "nsga2"} {
			for _, run := range theirs[p.name][s] {
				rep.add(p.name, "optuna "+s, run)
			}
		}
		rep.problem(out, p.name, nil)
	}
	rep.summary(out, nil)
	return nil
}

// missed is the share of the volume that is not dominated after each trial.
func (p paretoProblem) missed(s search.Sampler, trials int, seed uint64) ([]float64, error) {
	objectives := make([]search.Objective, len(p.ref))
	for k := range objectives {
		objectives[k].Metric = fmt.Sprintf("f%d", k)
	}
	var seen [][]float64
	out := make([]float64, 0, trials)
	_, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.space, Objectives: objectives, Sampler: s, Scheduler: &scheduler.NoStopping{}, Trials: trials, Seed: seed,
		Objective: func(_ int, at search.Params, _, _ int) ([]float64, float64, search.State) {
			y := p.f(at)
			seen = append(seen, y)
			out = append(out, max(1-search.Hypervolume(seen, p.ref)/p.most, 0))
			return y, 1, search.Paused
		},
	})
	for err == nil && len(out) < trials { // the space was exhausted
		out = append(out, out[len(out)-1])
	}
	return out, err
}
