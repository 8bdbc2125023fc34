package data

import (
	"context"
	"errors"
	"slices"
)

// Data is a data set ready for training. Whoever gets one shares it and must not
// change it.
type Data struct {
	Train, Valid, Test *Set
	Folds              []Fold // with Split.CV; Train then holds the rows of all folds and Valid is nil
	Task               Task
	Features           int          // values of a row: Train.Shape.Size()
	Classes            int          // 0 for regression
	ClassNames         []string     // by class: sorted by name, or by number if the target is numeric; nil for regression
	Columns            []Column     // tables, and NPY except for images: those used, without the target, over the whole file
	Target             string       // tables: name of the target column
	TargetMean         float64      // regression: mean of the target over the training rows
	TargetScale        float64      // regression: its standard deviation. Sets hold (target − TargetMean) / TargetScale: an RMSE times TargetScale is in the target's own unit
	Dropped            int          // rows left out because their target is missing
	Preparation        *Preparation // how a raw row becomes the network's input
	Images             *Images      // of image files: what they were, and what was left out; else nil
	Facts              Facts
	Profile            *Profile // tables of a newer reading: how they were understood

	fold    []int    // of each training row; nil without Split.CV
	numbers *Numbers // of the rows in their files; nil in data that was decoded before
}

// Fold is a fold of a cross-validation: its rows, and those of all other folds.
// Both are encoded as Train, by what was measured on the rows of all folds.
type Fold struct{ Train, Valid *Set }

// Load reads, splits and encodes a source. The error is an [*Error], or that of the
// context.
func Load(ctx context.Context, s Source) (*Data, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.OfImages() {
		return loadImages(ctx, s)
	}
	d, err := loadRows(ctx, s)
	if err == nil && s.Resize != nil {
		if bad := d.resize(s.Resize); bad != nil {
			bad.Path = s.files()[0].path
			return nil, bad
		}
	}
	return d, err
}

// loadRows loads data that is not in image files.
func loadRows(ctx context.Context, s Source) (*Data, error) {
	switch {
	case s.IDX != nil:
		return loadIDX(ctx, s)
	case s.NPY != nil:
		return loadNPY(ctx, s)
	case s.Text != nil:
		return loadText(ctx, s)
	}
	return loadTable(ctx, s)
}

func loadTable(ctx context.Context, s Source) (*Data, error) {
	if s.Reading > 0 {
		t, target, own, err := understand(ctx, s)
		if err != nil {
			return nil, err
		}
		d, _, err := buildTable(s, t, target, own)
		return d, err
	}
	t, target, err := readTable(ctx, s)
	if err != nil {
		return nil, err
	}
	d, _, err := buildTable(s, t, target, t.rows)
	return d, err
}

// readTable reads the file of a source, and takes the target and the groups from
// its columns.
func readTable(ctx context.Context, s Source) (t *table, target *column, err error) {
	f, read := s.files()[0], readCSV
	if s.Parquet != "" {
		read = readParquet
	}
	t, err = read(ctx, f.path, s.Ignore)
	if err != nil {
		return nil, nil, err
	}
	target, bad := t.take("target", s.Target)
	if bad == nil && s.Split.Group != "" {
		t.group, bad = t.take("split.group", s.Split.Group)
	}
	if bad != nil {
		bad.Path = f.path
		return nil, nil, bad
	}
	return t, target, nil
}

// buildTable is build for a table with names.
func buildTable(s Source, t *table, target *column, own int) (*Data, *encoder, error) {
	f := s.files()[0]
	d, enc, err := build(s, t, target, own)
	if err == nil && t.profile != nil {
		t.profile.finish(d.Task, d.ClassNames, t, target)
		d.Profile = t.profile
	}
	if e := (*Error)(nil); errors.As(err, &e) {
		e.Path = f.path
		switch e.Key {
		case "target", "task":
			e.Column = s.Target
		case "":
			e.Key = f.key
		}
	}
	return d, enc, err
}

// take removes a column from those of the table.
func (t *table) take(key, name string) (*column, *Error) {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	at := slices.Index(names, name)
	if at < 0 {
		return nil, &Error{Key: key, Err: noColumn(name, names)}
	}
	c := t.columns[at]
	t.columns = slices.Delete(t.columns, at, at+1)
	return c, nil
}

// build splits and encodes a table. Rows from own on are those of test files.
func build(s Source, t *table, target *column, own int) (*Data, *encoder, error) {
	inputs, rows := t.columns, t.rows
	g, bad := newGoal(target, rows, s.Task)
	if bad != nil {
		return nil, nil, bad
	}
	group := t.group.groups()
	deal := s.Split.deal
	if t.time != nil {
		deal = s.Split.byTime(t.time)
	}
	p := deal(g.rows, own, s.Rows, labels{g.class, len(g.names)}, group, own < rows)
	if err := p.check(); err != nil {
		return nil, nil, err
	}
	var coder *targetCoder
	if s.TargetEncode != nil {
		if coder, bad = s.TargetEncode.coder(inputs, g, p.train, group, rows); bad != nil {
			return nil, nil, bad
		}
	}
	var enc *encoder
	missing := 0
	if t.pixels != nil {
		if enc, missing, bad = fitPixels(t.pixels, p.train, s.Image); bad != nil {
			return nil, nil, bad
		}
	} else {
		var err error
		if enc, err = fit(inputs, p.train, s.Image, s.Numeric, coder); err != nil {
			return nil, nil, err
		}
	}
	d := &Data{
		Features: enc.shape.Size(), Classes: len(g.names), ClassNames: g.names,
		Target: s.Target, Dropped: target.missing,
	}
	d.goal(g, p.train)
	for _, part := range []struct {
		set  **Set
		rows []int
	}{{&d.Train, p.train}, {&d.Valid, p.valid}, {&d.Test, p.test}} {
		if len(part.rows) == 0 {
			continue // with CV nothing is for validation alone
		}
		*part.set = enc.set(part.rows)
		d.targets(*part.set, g, part.rows)
	}
	d.fold, d.Folds = p.fold, foldsOf(d.Train, p.fold)
	d.numbers = &Numbers{p.train, p.valid, p.test}
	d.Preparation = enc.preparation()
	d.Preparation.Classes, d.Preparation.Target = d.ClassNames, d.Target
	d.Preparation.TargetMean, d.Preparation.TargetScale = d.TargetMean, d.TargetScale
	d.Facts.Rows = len(p.train) + len(p.valid) + len(p.test)
	if t.pixels != nil {
		d.Facts.Numeric = d.Features
		d.Facts.Missing = float64(missing) / float64(d.Features*len(p.train))
	} else {
		d.describe(inputs, p.train)
	}
	d.Facts.measure(d.Train, enc.numeric())
	return d, enc, nil
}

// goal says what is learned.
func (d *Data) goal(g goal, train []int) {
	d.Task = Classification
	if g.class == nil {
		d.Task = Regression
		var m moments
		m.add(g.value, train)
		d.TargetMean, d.TargetScale = m.mean(), m.std()
		if d.TargetScale == 0 {
			d.TargetScale = 1 // the few training rows are all alike
		}
	}
}

// targets gives a set the targets of its rows.
func (d *Data) targets(s *Set, g goal, rows []int) {
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
		if c.text || c.words != nil {
			f.Categorical++
			f.Levels += float64(levels)
		} else {
			f.Numeric++
		}
	}
	f.Levels /= float64(max(f.Categorical, 1))
	f.Missing = float64(empty) / float64(len(inputs)*len(train))
}
