package data

import (
	"context"
	"errors"
	"slices"

	"budwood/engine"
)

// Data is a data set ready for training. Whoever gets one shares it and must not
// change it.
type Data struct {
	Train, Valid, Test *engine.Set
	Task               Task
	Features           int      // values of a row: Train.Shape.Size()
	Classes            int      // 0 for regression
	ClassNames         []string // by class: sorted by name, or by number if the target is numeric; nil for regression
	Columns            []Column // CSV and NPY: those used, without the target, over the whole file
	Target             string   // CSV: name of the target column
	TargetMean         float64  // regression: mean of the target over the training rows
	TargetScale        float64  // regression: its standard deviation. Sets hold (target − TargetMean) / TargetScale: an RMSE times TargetScale is in the target's own unit
	Dropped            int      // rows left out because their target is missing
	Facts              Facts
}

// Load reads, splits and encodes a source. The error is an [*Error], or that of the
// context.
func Load(ctx context.Context, s Source) (*Data, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	switch {
	case s.IDX != nil:
		return loadIDX(ctx, s)
	case s.NPY != nil:
		return loadNPY(ctx, s)
	}
	return loadCSV(ctx, s)
}

func loadCSV(ctx context.Context, s Source) (*Data, error) {
	t, err := readCSV(ctx, s.CSV, s.Ignore)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	at := slices.Index(names, s.Target)
	if at < 0 {
		return nil, &Error{Key: "target", Path: s.CSV, Err: noColumn(s.Target, names)}
	}
	target, inputs := t.columns[at], slices.Delete(slices.Clone(t.columns), at, at+1)
	d, err := build(s, inputs, target, t.rows, t.rows)
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Path = s.CSV
		if e.Key == "target" || e.Key == "task" {
			e.Column = s.Target
		}
	}
	return d, err
}

// build splits and encodes a table. Rows from own on are those of test files.
func build(s Source, inputs []*column, target *column, rows, own int) (*Data, error) {
	g, bad := newGoal(target, rows, s.Task)
	if bad != nil {
		return nil, bad
	}
	p := s.Split.deal(g.rows, own, s.Rows, g.class, len(g.names), own < rows)
	if err := p.check(); err != nil {
		return nil, err
	}
	enc, err := fit(inputs, p.train, s.Image)
	if err != nil {
		return nil, err
	}
	d := &Data{
		Task: Classification, Features: enc.shape.Size(), Classes: len(g.names), ClassNames: g.names,
		Target: s.Target, Dropped: target.missing,
	}
	if g.class == nil {
		d.Task = Regression
		var m moments
		m.add(g.value, p.train)
		d.TargetMean, d.TargetScale = m.mean(), m.std()
		if d.TargetScale == 0 {
			d.TargetScale = 1 // the few training rows are all alike
		}
	}
	for _, part := range []struct {
		set  **engine.Set
		rows []int
	}{{&d.Train, p.train}, {&d.Valid, p.valid}, {&d.Test, p.test}} {
		*part.set = enc.set(part.rows)
		d.targets(*part.set, g, part.rows)
	}
	d.Facts.Rows = len(p.train) + len(p.valid) + len(p.test)
	d.describe(inputs, p.train)
	d.Facts.measure(d.Train, enc.numeric())
	return d, nil
}

// targets gives a set the targets of its rows.
func (d *Data) targets(s *engine.Set, g goal, rows []int) {
	if d.Task == Classification {
		s.Classes = d.Classes
		s.Class = make([]int32, len(rows))
		for i, row := range rows {
			s.Class[i] = g.class[row]
		}
		return
	}
	s.Outputs = 1
	s.Target = make([]float32, len(rows))
	for i, row := range rows {
		s.Target[i] = score(g.value[row], d.TargetMean, 1/d.TargetScale)
	}
}

// describe fills in the columns, and the facts that only the table knows.
func (d *Data) describe(inputs []*column, train []int) {
	f := &d.Facts
	empty := 0
	for _, c := range inputs {
		d.Columns = append(d.Columns, c.info())
		levels, absent := c.count(train)
		empty += absent
		if c.text {
			f.Categorical++
			f.Levels += float64(levels)
		} else {
			f.Numeric++
		}
	}
	f.Levels /= float64(max(f.Categorical, 1))
	f.Missing = float64(empty) / float64(len(inputs)*len(train))
}
