package main

import (
	"fmt"
	"io"
	"strings"

	"budwood"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

type bestCmd struct {
	Study string `arg:"" help:"Name of the study."`
	Trial string `help:"Another trial than the best, such as one of the front." placeholder:"t0012"`
	SVG   string `help:"Draw the network of an architecture search into this file." placeholder:"FILE" type:"path"`
	output
}

func (c *bestCmd) Run(a *app) error {
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := budwood.ReadBest(a.ctx, store, c.Study)
	if err != nil {
		return err
	}
	best, err := a.chosen(store, r, c.Trial)
	if err != nil {
		return err
	}
	t := table{head: []string{"PARAM", "VALUE"}}
	for _, k := range best.Params.Names() {
		t.add(k, cell(k, best.Params[k]))
	}
	row, err := store.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	spec, err := specOf(&row)
	if err != nil {
		return err
	}
	if c.Output == "table" {
		if err := c.about(a, store, r, spec, best); err != nil {
			return err
		}
	}
	if c.SVG != "" {
		if err := create(c.SVG, func(w io.Writer) error { return study.DrawNetwork(w, spec, best) }); err != nil {
			return err
		}
	}
	out := struct {
		*search.Record
		Test  search.Metrics      `json:"test,omitempty"`
		Note  string              `json:"note,omitempty"`
		Front []search.FrontTrial `json:"front,omitempty"`
	}{Record: best}
	if r.Best != nil && best.ID == r.Best.ID {
		out.Test, out.Note = r.Test, r.Note
		if r.Note != "" {
			a.say("%s", r.Note)
		}
	}
	if c.Output == "json" && len(r.Objectives) > 1 {
		all, err := store.Records(a.ctx, c.Study)
		if err != nil {
			return err
		}
		out.Front = search.ParetoFront(all, r.Objectives).Trials
	}
	return c.write(a.stdout, t, out)
}

// about tells of a trial in lines: its values, the network of an architecture search,
// and the front of several objectives.
func (c *bestCmd) about(a *app, store *store.Store, r *budwood.Result, spec *study.Spec, best *search.Record) error {
	values := r.ValuesOf(best)
	if values == "" || best.State == search.Failed || best.State == search.Diverged {
		values = fmt.Sprintf("%s: %s", best.State, study.DescribeReason(best.Reason))
	}
	if m, ok := best.Last(); ok && c.Trial != "" {
		values += fmt.Sprintf(" (%s after %s)", best.State, plural(m.Budget, "epoch"))
	}
	fmt.Fprintf(a.stdout, "%s of %s: %s\n", best.Name(), c.Study, values)
	if spec.Architecture == nil && len(r.Objectives) < 2 {
		return nil
	}
	all, err := store.Records(a.ctx, c.Study)
	if err != nil {
		return err
	}
	text, err := study.DescribeNetwork(spec, all, best)
	if err != nil {
		return err
	}
	fmt.Fprint(a.stdout, text, study.DescribeFront(r.Objectives, all))
	return nil
}

// printParams lists params one a line, under a label.
func printParams(w io.Writer, label string, p search.Params) {
	wide := 0
	for k := range p {
		wide = max(wide, len(k))
	}
	for _, k := range p.Names() {
		fmt.Fprintf(w, "%s%-*s  %s\n", label, wide, k, cell(k, p[k]))
		label = strings.Repeat(" ", len(label))
	}
}

// cell is a parameter's value in words.
func cell(name string, v any) string {
	if name == search.ArchitectureKey {
		return study.DescribeParams(search.Params{name: v})
	}
	if x, ok := v.(float64); ok {
		return search.FormatNumber(x)
	}
	return fmt.Sprint(v)
}
