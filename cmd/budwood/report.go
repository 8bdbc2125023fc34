package main

import (
	"fmt"
	"io"
	"strings"

	"budwood"
	"budwood/report"
	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
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
	if s.Network, err = c.network(a, store, r); err != nil {
		return err
	}
	if c.File == "-" {
		return report.Write(exact(a.stdout), s)
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

// network draws the best network of an architecture search, and tells about it.
func (c *reportCmd) network(a *app, store *store.Store, r *budwood.Result) (report.Network, error) {
	row, err := store.Study(a.ctx, c.Study)
	if err != nil {
		return report.Network{}, err
	}
	spec, err := specOf(&row)
	if err != nil || spec.Architecture == nil || r.Best == nil {
		return report.Network{}, err
	}
	var drawing strings.Builder
	if err := study.DrawNetwork(&drawing, spec, r.Best); err != nil {
		return report.Network{}, err
	}
	about, err := study.DescribeNetwork(spec, r.Trials, r.Best)
	if err != nil {
		return report.Network{}, err
	}
	how, err := study.DescribeSearch(spec, search.Counted(r.Trials))
	return report.Network{Drawing: drawing.String(), About: about + how}, err
}
