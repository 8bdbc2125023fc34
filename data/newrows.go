package data

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
)

// LoadWith is [Load] of a table, and encodes the rows of another one, CSV or
// Parquet, as it encodes its own: rows whose target is to be predicted. They have
// no part in fitting the encoding. That table needs the columns of the first but
// the target, in any order; others are left out. The set has no targets. If the source
// is one of images, path is an image or a folder; see [LoadWithImages].
func LoadWith(ctx context.Context, s Source, path string) (*Data, *Set, error) {
	if err := s.Validate(); err != nil {
		return nil, nil, err
	}
	if s.OfImages() {
		d, fresh, err := LoadWithImages(ctx, s, path)
		if err != nil {
			return nil, nil, err
		}
		return d, fresh.Set, nil
	}
	if s.CSV == "" && s.Parquet == "" {
		return nil, nil, errors.New("data: rows to predict are read from a table, but this data is not a table; export the network and run it where the data is")
	}
	t, target, own, fresh, err := readBoth(ctx, s, path)
	if err != nil {
		return nil, nil, err
	}
	known := t.rows
	if err := t.join(fresh, path); err != nil {
		return nil, nil, err
	}
	for range fresh.rows {
		target.addMissing()
		if t.group != nil {
			t.group.addMissing()
		}
	}
	if t.time != nil {
		t.time = append(t.time, slices.Repeat([]float64{math.NaN()}, fresh.rows)...)
	}
	if own == known { // no test file
		own = t.rows
	}
	d, enc, err := buildTable(s, t, target, own)
	if err != nil {
		return nil, nil, err
	}
	d.Dropped -= fresh.rows
	rows := make([]int, fresh.rows)
	for i := range rows {
		rows[i] = known + i
	}
	set := enc.set(rows)
	if s.Resize != nil {
		set = s.Resize.set(set, d.black())
		if bad := d.resize(s.Resize); bad != nil {
			return nil, nil, bad
		}
	}
	return d, set, nil
}

// readBoth reads the table of a source, whose rows from own on are those of its test file, and one
// of further rows.
func readBoth(ctx context.Context, s Source, path string) (t *table, target *column, own int, fresh *table, err error) {
	if s.Reading > 0 {
		if t, target, own, err = understand(ctx, s); err == nil {
			var notes []string
			fresh, _, notes, err = t.profile.understood.again(ctx, &s, path, false)
			t.profile.FreshNotes = notes
		}
		return t, target, own, fresh, err
	}
	if t, target, err = readTable(ctx, s); err == nil {
		fresh, err = readRows(ctx, path, t.columns)
		own = t.rows
	}
	return t, target, own, fresh, err
}

// readRows reads a table whose columns of some names are categorical because they
// are so in another table.
func readRows(ctx context.Context, path string, like []*column) (*table, error) {
	if IsParquet(path) {
		return readParquet(ctx, path, nil)
	}
	text := map[string]bool{}
	for _, c := range like {
		if c.text {
			text[c.name] = true
		}
	}
	return scanCSV(path, nil, text, opens(ctx, path))
}

// IsParquet reports whether the first bytes are those of a Parquet file.
func IsParquet(path string) bool {
	if _, err := regular(path); err != nil {
		return false // whoever opens it says why
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4)
	_, err = f.ReadAt(head, 0)
	return err == nil && bytes.Equal(head, []byte("PAR1"))
}

// join appends the rows of another table, by the names of the columns.
func (t *table) join(u *table, path string) error {
	names := make([]string, len(u.columns))
	for i, c := range u.columns {
		names[i] = c.name
	}
	for _, c := range t.columns {
		at := slices.Index(names, c.name)
		if at < 0 {
			return &Error{Path: path, Err: noColumn(c.name, names)}
		}
		if err := c.join(u.columns[at]); err != nil {
			return &Error{Path: path, Line: u.columns[at].line, Column: c.name, Err: err}
		}
	}
	t.rows += u.rows
	return nil
}

// join appends the cells of another column of the same kind.
func (c *column) join(d *column) error {
	switch {
	case c.words != nil && d.words != nil:
		c.joinWords(d)
	case c.text && !d.text:
		return errors.New("there are numbers, but the network learned from categories; write them as text")
	case !c.text && d.text && len(d.levels) > 0:
		return fmt.Errorf("%s is not a number, but the network learned from numbers", quote(d.cell))
	case c.text:
		cells := make([]string, len(d.levels))
		for cell, k := range d.index {
			cells[k] = cell
		}
		for _, k := range d.code {
			if k < 0 {
				c.addMissing()
			} else {
				c.addText(cells[k], 0)
			}
		}
	case d.text: // all missing
		for range d.code {
			c.addMissing()
		}
	default:
		for _, x := range d.num {
			if math.IsNaN(x) {
				c.addMissing()
			} else {
				c.addNumber(x)
			}
		}
	}
	return nil
}
