package study

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"time"

	"budwood/engine"
	"budwood/nas"
	"budwood/search"
	"budwood/trials/store"
)

// Describe is a study in words, as Markdown: what the Temporal UI shows.
func Describe(s *Spec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| parameter | range |\n|---|---|\n", Summary(s))
	for _, d := range s.Space.Dims() {
		fmt.Fprintf(&b, "| %s | %s |\n", d.Name, DescribeDim(d))
	}
	for _, k := range s.Train.Names() {
		fmt.Fprintf(&b, "| %s | %v (fixed) |\n", k, s.Train[k])
	}
	for _, c := range s.Constraints {
		fmt.Fprintf(&b, "| constraint | `%s` |\n", c)
	}
	if s.Architecture != nil {
		fmt.Fprintf(&b, "| architecture | `%s` |\n", DescribeArchitecture(s.Architecture))
	}
	return b.String()
}

// Summary is the study in one line: its objective, trials, methods and seed.
func Summary(s *Spec) string {
	out := fmt.Sprintf("%s: %s %s, %d trials of up to %d epochs, %s + %s, seed %d", s.Name, s.Objective.Goal, s.Objective.Metric,
		s.Budget.Trials, s.Budget.Epochs, s.Search.Sampler, s.Search.Scheduler, s.Search.Seed)
	if s.Search.Supernet != "" {
		out = fmt.Sprintf("%s: %s %s, %d trials by %s, evaluated with weights that the first one trains for %d epochs on %s paths, seed %d", s.Name, s.Objective.Goal,
			s.Objective.Metric, s.Budget.Trials, s.Search.Sampler, s.Budget.Epochs, s.Search.Supernet, s.Search.Seed)
	}
	if s.Retrain.Best > 0 {
		out += fmt.Sprintf(", then the best %d from scratch for %d epochs", s.Retrain.Best, s.Retrain.Epochs)
	}
	return out
}

// DescribeDim is a parameter's range in words.
func DescribeDim(d *search.Dim) string {
	if d.Kind == search.KindChoice {
		out := make([]string, len(d.Options))
		for i, o := range d.Options {
			out[i] = fmt.Sprint(o.Value)
			if len(o.Space) > 0 {
				below := make([]string, len(o.Space))
				for j, p := range o.Space {
					below[j] = p.Dim().Name
				}
				out[i] += " (" + strings.Join(below, ", ") + ")"
			}
		}
		return strings.Join(out, " | ")
	}
	s := search.FormatExact(d.Lo) + " … " + search.FormatExact(d.Hi)
	if d.Kind == search.KindInt {
		s = fmt.Sprintf("%d … %d", int(d.Lo), int(d.Hi))
	}
	if d.Log {
		s += ", log"
	}
	if d.Step != 0 {
		s += ", step " + search.FormatExact(d.Step)
	}
	return s
}

// DescribeParams lists params in one line; a genome in its short form.
func DescribeParams(p search.Params) string {
	if _, ok := p[search.ArchitectureKey]; !ok {
		return p.String()
	}
	rest := maps.Clone(p)
	delete(rest, search.ArchitectureKey)
	g, err := nas.FromParams(p)
	if err != nil {
		return p.String()
	}
	return strings.TrimSpace(g.String() + " " + rest.String())
}

// CanContinue reports whether a study that exists may go on as s: everything that
// its trials depend on must be the same; budgets, parallelism and retries may
// differ, and the space and its constraints as far as the old trials can go on
// in it. A start_with, which comes first, may be left out.
func CanContinue(stored json.RawMessage, s *Spec) error {
	var old Spec
	if err := json.Unmarshal(stored, &old); err != nil {
		return fmt.Errorf("study %q: its stored specification cannot be read: %w", s.Name, err)
	}
	if err := old.Space.Compatible(s.Space); err != nil {
		return fmt.Errorf("study %q exists, and its trials cannot go on in the changed space: %w", s.Name, err)
	}
	known := old.Data != nil && old.Data.Digests != nil && s.Data != nil && s.Data.Digests != nil
	neutral := func(s Spec) map[string]any {
		if s.Data != nil {
			d := *s.Data
			if known { // wherever the files are
				d, _ = d.MapPaths(func(key, _ string) (string, error) { return key, nil })
			} else {
				d.Digests = nil
			}
			s.Data = &d
		}
		s.Space, s.Constraints, s.Teacher, s.Clock, s.Then = nil, nil, nil, nil, nil
		if s.Resources.CPU == s.Mesh.Threads { // where a step is computed, not what
			s.Resources.CPU = 0
		}
		s.Mesh.Threads, s.Mesh.Recompute, s.Mesh.Ranks = 0, "", engine.Ranks{}
		if s.Mesh.MicroBatches > 0 { // their default depends on it
			s.Mesh.Pipeline = 0
		}
		s.Budget.Trials, s.Budget.Time, s.Budget.EnergyWh, s.Budget.MinGain = 0, 0, 0, 0
		s.Search.Parallel, s.Search.Batch, s.Search.Priority, s.MaxRetries, s.MaxFailed, s.Keep, s.Retrain = 0, 0, 0, 0, 0, 0, Retrain{}
		b, _ := json.Marshal(s)
		var m map[string]any
		_ = json.Unmarshal(b, &m)
		return m
	}
	if len(s.StartWith) == 0 {
		old.StartWith = nil
	}
	if a, b := old.Architecture, s.Architecture; a != nil && b != nil && a.Folds < b.Folds {
		return fmt.Errorf("study %q exists, and its limits are for the network of one fold, not for those of all folds together, as they are now: give this one another name", s.Name)
	}
	a, b := neutral(old), neutral(*s)
	for _, k := range search.Params(merge(a, b)).Names() {
		if !reflect.DeepEqual(a[k], b[k]) {
			switch k {
			case "command": // another version of it: see [Spec.Version]
				if a[k] != nil && b[k] != nil {
					continue
				}
			case "data":
				if t := *s; t.ReadAsBefore(stored) {
					return fmt.Errorf("study %q exists, and this program understands its table in another way than the one that stored it: go on with budwood run, which reads it as before, or give this one another name", s.Name)
				}
				k = "data (a file or how it is used)"
			case "start_with":
				return fmt.Errorf("study %q exists and its start_with differs: leave it as it was, or out where the space no longer holds it", s.Name)
			}
			return fmt.Errorf("study %q exists and its %s differs: give this one another name, or delete the old one with `budwood rm %s`", s.Name, k, s.Name)
		}
	}
	return nil
}

// MoreThan reports whether a study that was completed as before, with so many trials,
// has something to do if it is submitted as s: a larger budget, or other trials.
func (s *Spec) MoreThan(before *Spec, trials int) bool {
	larger := func(was, is float64) bool { return was != 0 && (is == 0 || is > was) } // 0 is no limit
	a, b := &before.Budget, &s.Budget
	switch {
	case b.Trials > max(a.Trials, trials), larger(float64(a.Time), float64(b.Time)), larger(a.EnergyWh, b.EnergyWh), b.MinGain < a.MinGain:
		return true
	case s.Retrain.Best > before.Retrain.Best, s.MaxFailed != before.MaxFailed:
		return true
	}
	return !reflect.DeepEqual(before.Space, s.Space) || !reflect.DeepEqual(before.Constraints, s.Constraints)
}

func merge(a, b map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}

// DescribeReason is the reason of a trial's end in one line: the first one, and of what a program printed
// before it failed the last one.
func DescribeReason(s string) string {
	first, rest, more := strings.Cut(strings.TrimSpace(search.Plain(s)), "\n")
	if more {
		first += ": " + strings.TrimSpace(rest[strings.LastIndex(rest, "\n")+1:])
	}
	return search.Clip(first, 600)
}

// Elapsed is how long a study that has ended ran, over every run of it but without
// the time between them, if that is known: a study on goroutines has begun and
// ended, no more.
func Elapsed(ctx context.Context, store *store.Store, s *store.Study) (time.Duration, error) {
	raw, err := store.SavedState(ctx, s.Name)
	if err != nil {
		return 0, err
	}
	if raw == nil {
		return s.Ended.Sub(s.Created), nil
	}
	var c State
	if err := json.Unmarshal(raw, &c); err != nil {
		return 0, fmt.Errorf("study %q: its state: %w", s.Name, err)
	}
	return c.Elapsed, nil
}

// Brackets lists the brackets of a study's scheduler, one line each.
func Brackets(s *Spec) []string {
	var out []string
	for _, b := range newScheduler(s).Brackets() {
		out = append(out, fmt.Sprintf("rungs %s for %.0f %% of the trials", strings.Trim(fmt.Sprint(b.Rungs), "[]"), 100*b.Share))
	}
	return out
}

// DescribeArchitecture is an architecture block in one line.
func DescribeArchitecture(a *nas.Spec) string {
	b, err := json.Marshal(a)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// mostFront bounds the trials of a front that are listed.
const mostFront = 20

// DescribeFront lists the Pareto front of a study with several objectives; it is
// "" for one.
func DescribeFront(objectives []search.Objective, all []search.Record) string {
	if len(objectives) < 2 {
		return ""
	}
	var b strings.Builder
	front := search.ParetoFront(all, objectives)
	fmt.Fprintf(&b, "front    %v; hypervolume %.3f of the box from the worst to the best values\n", front, front.Volume)
	for _, p := range front.Trials[:min(len(front.Trials), mostFront)] {
		line := "         " + search.TrialName(p.Trial)
		for i, v := range p.Values {
			line += fmt.Sprintf("  %s %-9s", objectives[i].Metric, search.FormatNumber(v))
		}
		fmt.Fprintf(&b, "%s  epochs %d\n", line, p.Budget)
	}
	if n := len(front.Trials) - mostFront; n > 0 {
		fmt.Fprintf(&b, "         … and %d more\n", n)
	}
	return b.String()
}

// DescribeEpoch is a running trial's last epoch in words.
func DescribeEpoch(m search.Measurement, o search.Objective) string {
	return fmt.Sprintf("epoch %d  %s %s", m.Budget, o.Metric, search.FormatNumber(m.Metrics[o.Metric]))
}
