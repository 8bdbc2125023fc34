package main

import (
	"fmt"
	"io"
	"strings"

	"budwood"
	"budwood/search"
	"budwood/trials"
	"budwood/workflows"
)

type bestCmd struct {
	Study string `arg:"" help:"Name of the study."`
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
	if r.Best == nil {
		return fmt.Errorf("study %s has no trial with a value yet", c.Study)
	}
	t := table{head: []string{"PARAM", "VALUE"}}
	for _, k := range r.Best.Params.Names() {
		t.add(k, cell(k, r.Best.Params[k]))
	}
	if c.Output == "table" {
		fmt.Fprintf(a.stdout, "%s of %s: %s\n", r.Best.Name(), c.Study, r.Values())
	}
	if r.Note != "" {
		a.say("%s", r.Note)
	}
	if err := c.network(a, store, r); err != nil {
		return err
	}
	return c.write(a.stdout, t, struct {
		*search.Record
		Test search.Metrics `json:"test,omitempty"`
		Note string         `json:"note,omitempty"`
	}{r.Best, r.Test, r.Note})
}

// network tells about the network of an architecture search, and draws it.
func (c *bestCmd) network(a *app, store *trials.Store, r *budwood.Result) error {
	study, err := store.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	spec, err := specOf(&study)
	if err != nil {
		return err
	}
	if c.Output == "table" && spec.Architecture != nil {
		all, err := store.Records(a.ctx, c.Study)
		if err != nil {
			return err
		}
		text, err := workflows.DescribeNetwork(spec, all, r.Best)
		if err != nil {
			return err
		}
		fmt.Fprint(a.stdout, text)
	}
	if c.SVG == "" {
		return nil
	}
	return create(c.SVG, func(w io.Writer) error { return workflows.DrawNetwork(w, spec, r.Best) })
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
		return workflows.DescribeParams(search.Params{name: v})
	}
	if x, ok := v.(float64); ok {
		return search.FormatNumber(x)
	}
	return fmt.Sprint(v)
}
