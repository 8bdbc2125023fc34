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
	File  string `short:"f" help:"The file to write, STUDY.html by default; - is stdout." placeholder:"FILE"`
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
	if c.File == "-" {
		return report.Write(a.stdout, s)
	}
	if c.File == "" {
		c.File = c.Study + ".html"
	}
	if err := create(c.File, func(w io.Writer) error { return report.Write(w, s) }); err != nil {
		return fmt.Errorf("report on study %q: %w", c.Study, err)
	}
	fmt.Fprintln(a.stdout, c.File)
	return nil
}
