package main

import (
	"fmt"
	"io"

	"budwood"
	"budwood/report"
	"budwood/search"
)

type reportCmd struct {
	Study string `arg:"" help:"Name of the study."`
	To    string `help:"File to write; - is stdout. By default STUDY.html." placeholder:"FILE"`
}

// mostCurves bounds the learning curves with every epoch; other trials are drawn
// from one rung to the next.
const mostCurves = 200

func (c *reportCmd) Run(a *app) error {
	store, err := a.read()
	if err != nil {
		return err
	}
	defer store.Close()
	r, err := budwood.ReadResult(a.ctx, store, c.Study)
	if err != nil {
		return err
	}
	s := r.Report()
	s.Curves = map[int][]search.Measurement{}
	for _, t := range r.Trials[:min(len(r.Trials), mostCurves)] {
		if s.Curves[t.ID], err = store.Curve(a.ctx, c.Study, t.ID); err != nil {
			return err
		}
	}
	if c.To == "-" {
		return report.Write(a.stdout, s)
	}
	if c.To == "" {
		c.To = c.Study + ".html"
	}
	if err := create(c.To, func(w io.Writer) error { return report.Write(w, s) }); err != nil {
		return fmt.Errorf("report on study %q: %w", c.Study, err)
	}
	fmt.Fprintln(a.stdout, c.To)
	return nil
}
