package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"

	"budwood"
	"budwood/meta"
	"budwood/search"
	"budwood/study"
	"budwood/trials/energy"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// summary is how a study ended: what a run prints last.
func (a *app) summary(store *store.Store, name string) error {
	row, err := store.Study(a.ctx, name)
	if err != nil {
		return err
	}
	r, err := budwood.ReadResult(a.ctx, store, name)
	if err != nil {
		return err
	}
	spec, err := specOf(&row)
	if err != nil {
		return err
	}
	w := a.stdout
	epochs, stopped := 0, 0
	for i := range r.Trials {
		epochs += r.Trials[i].Epochs()
		if r.Trials[i].State == search.Stopped {
			stopped++
		}
	}
	took := ""
	if !row.Ended.IsZero() {
		elapsed, err := study.Elapsed(a.ctx, store, &row)
		if err != nil {
			return err
		}
		took = " in " + elapsed.Round(100*time.Millisecond).String()
	}
	fmt.Fprintf(w, "\nstudy   %s: %s%s, %s, %s, %d stopped early%s\n", name, row.State, took, plural(len(r.Trials), "trial"), plural(epochs, "epoch"), stopped, setAside(r.Aside))
	if row.Reason != "" {
		fmt.Fprintf(w, "reason  %s\n", row.Reason)
	}
	for _, line := range warmStarts(row.WarmStart) {
		fmt.Fprintf(w, "%s\n", strings.Replace(line, "warm start: ", "warm    ", 1))
	}
	if n, last := failures(r.Trials); n > 0 && !strings.Contains(row.Reason, " trials failed, ") {
		fmt.Fprintf(w, "failed  %s, the last one %s: %s\n", plural(n, "trial"), last.Name(), study.DescribeReason(last.Reason))
	}
	if r.Best == nil {
		fmt.Fprintf(w, "best    none: no trial has a value\nnext    budwood show %s\n", name)
		return nil
	}
	if line := helped(r.Trials); line != "" {
		fmt.Fprintf(w, "cores   %s\n", line)
	}
	if r.Mixed != "" {
		fmt.Fprintf(w, "mixed   %s\n", r.Mixed)
	}
	m, _ := r.Best.Last()
	fmt.Fprintf(w, "best    %s: %s after %s\n", r.Best.Name(), r.Values(), plural(m.Budget, "epoch"))
	printParams(w, "        ", r.Best.Params)
	if r.Note != "" {
		fmt.Fprintf(w, "note    %s\n", r.Note)
	}
	if len(r.Objectives) > 1 {
		fmt.Fprintf(w, "front   %v\n", search.ParetoFront(r.Trials, r.Objectives))
	}
	if spec.Compress != nil {
		if err := a.plans(w, spec, r); err != nil {
			return err
		}
	} else if len(r.Test) > 0 {
		fmt.Fprintf(w, "test    %s\n", metricsLine(r.Test))
	}
	e, err := energyText(a, store, name)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "energy  %s\n", e)
	if saved := energy.Saved(search.Counted(r.Trials), spec.Budget.Epochs); saved > 0 {
		fmt.Fprintf(w, "saved   at most %s Wh by stopping early\n", wattHours(saved))
	}
	fmt.Fprintf(w, "next    budwood show %s --sort value     (all trials)\n", name)
	return nil
}

// failures counts the trials whose code failed, and tells the last one.
func failures(list []search.Record) (n int, last *search.Record) {
	for i := range list {
		if list[i].State == search.Failed {
			n, last = n+1, &list[i]
		}
	}
	return n, last
}

// energyText is the study's energy in words: never an estimate called measured.
func energyText(a *app, store *store.Store, name string) (string, error) {
	list, err := store.Studies(a.ctx)
	if err != nil {
		return "", err
	}
	for _, s := range list {
		if s.Name != name {
			continue
		}
		e := s.Energy
		if e.Method == energy.Estimated {
			return fmt.Sprintf("%s Wh, estimated from CPU time (between %s and %s)", wattHours(e.Joules), wattHours(e.Low), wattHours(e.High)), nil
		}
		return fmt.Sprintf("%s Wh, measured by %s", wattHours(e.Joules), e.Method), nil
	}
	return "unknown", nil
}

// warmStarts says which studies helped.
func warmStarts(raw json.RawMessage) []string {
	if len(raw) == 0 {
		return nil
	}
	var p meta.Plan
	if json.Unmarshal(raw, &p) != nil {
		return nil
	}
	return p.Lines()
}

func metricsLine(m search.Metrics) string {
	var out []string
	for k, v := range m {
		out = append(out, fmt.Sprintf("%s %s", strings.TrimPrefix(k, "test_"), search.FormatNumber(v)))
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// trialBudget is how many trials a study may have.
func trialBudget(s *store.Study) (int, error) {
	spec, err := specOf(s)
	if err != nil {
		return 0, err
	}
	return spec.Budget.Trials, nil
}

// specOf is a study as it was submitted.
func specOf(s *store.Study) (*study.Spec, error) {
	var spec study.Spec
	if err := json.Unmarshal(s.Spec, &spec); err != nil {
		return nil, fmt.Errorf("study %s: its stored specification: %w", s.Name, err)
	}
	return &spec, nil
}

// helped says what idle cores have computed for trials; "" if nothing.
func helped(trials []search.Record) string {
	n, seconds := 0, 0.
	for i := range trials {
		if s := segment.Helped(trials[i].Notes); s > 0 {
			n, seconds = n+1, seconds+s
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("idle ones computed for %.3g s of %s; the results are the same without", seconds, plural(n, "trial"))
}
