package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"budwood/cmd/budwood/history"
	"budwood/search"
	"budwood/study"
)

type historyCmd struct {
	Import historyImportCmd `cmd:"" help:"Record trials of another tool as a study that has ended, so that new studies start from them: a CSV table, Optuna's SQLite or journal file, a folder of Ray Tune or Syne Tune."`
	Export historyExportCmd `cmd:"" help:"Write a study as an SQLite file of Optuna."`
}

type historyImportCmd struct {
	File   string   `arg:"" help:"File or folder with the other tool's trials." type:"path"`
	Name   string   `help:"Name of the study here; the default is its name there." placeholder:"NAME"`
	From   string   `help:"Which study, if the file has several." placeholder:"STUDY"`
	Metric []string `help:"Name of the objective's metric, of each if there are several: a column of the table. A study that shall start from this one has the same." placeholder:"METRIC"`
	Goal   string   `help:"minimize or maximize, where the file does not say." enum:"minimize,maximize," default:""`
}

// Run records the history as a study.
func (c *historyImportCmd) Run(a *app) error {
	o := history.Options{Study: c.From, Metrics: c.Metric, Goal: search.Goal(c.Goal)}
	h, err := history.Read(c.File, o)
	if err != nil {
		return usageError{err}
	}
	spec := study.Spec{
		Name:      cmp.Or(c.Name, studyName(h.Name)),
		Objective: h.Objectives[0], Also: h.Objectives[1:], Space: h.Space,
		Search: study.Search{WarmStart: "off"},
		Budget: study.Budget{Trials: len(h.Trials), Epochs: 1},
	}
	for _, t := range h.Trials {
		if m, ok := t.Last(); ok {
			spec.Budget.Epochs = max(spec.Budget.Epochs, m.Budget)
		}
	}
	if err := spec.Complete(); err != nil {
		return usageError{fmt.Errorf("%s: %w", c.File, err)}
	}
	st, err := a.state()
	if err != nil {
		return err
	}
	defer st.Close()
	for _, n := range h.Notes {
		fmt.Fprintf(a.stderr, "note  %s\n", n)
	}
	reason := fmt.Sprintf("imported from %s (%s)", c.File, h.Tool)
	var final *study.FinalError
	if err := st.Recorder().Import(a.ctx, spec, h.Trials, reason); errors.As(err, &final) {
		return usageError{final.Err}
	} else if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "study %s: %d trials of %s, %d parameters, %s %s\n", spec.Name, len(h.Trials), h.Tool, len(h.Space.Dims()), h.Objectives[0].Goal, h.Objectives[0].Metric)
	fmt.Fprintf(a.stdout, "a study with this metric and some of these parameters starts from it with\n  search: {warm_start: %s}\n", spec.Name)
	return nil
}

type historyExportCmd struct {
	Study string `arg:"" help:"Name of the study."`
	File  string `arg:"" help:"SQLite file to write: sqlite:///FILE for Optuna." type:"path"`
}

// Run writes the study.
func (c *historyExportCmd) Run(a *app) error {
	db, err := a.read()
	if err != nil {
		return err
	}
	defer db.Close()
	s, err := db.Study(a.ctx, c.Study)
	if err != nil {
		return err
	}
	records, err := db.Records(a.ctx, c.Study)
	if err != nil {
		return err
	}
	h := history.History{Name: s.Name, Space: s.Space, Objectives: s.Objectives, Trials: records}
	if err := h.WriteOptuna(c.File); errors.Is(err, fs.ErrExist) {
		return usageError{fmt.Errorf("%s is there already", c.File)}
	} else if errors.Is(err, fs.ErrNotExist) {
		return usageError{err}
	} else if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d trials of study %s written to %s\n", len(records), s.Name, c.File)
	return nil
}
