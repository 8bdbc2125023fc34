package data

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// table is a file in memory, with typed columns.
type table struct {
	columns []*column // those not ignored, in the order of the file
	rows    int
	group   *column // rows with the same value stay together; nil: each on its own
	pixels  *pixels // of images that are not in columns; nil: none

	time    []float64 // by which the rows are divided; nil: at random
	profile *Profile  // of a newer reading; nil: none
}

// opener opens the same file again and again.
type opener func() (io.ReadCloser, error)

// readCSV reads a table, row by row. Memory is that of the typed columns. A column
// that turns out to be text after it began with numbers, which is rare, costs
// a second reading.
func readCSV(ctx context.Context, path string, ignore []string) (*table, error) {
	return scanCSV(path, ignore, map[string]bool{}, opens(ctx, path))
}

// opens opens a file until the context ends.
func opens(ctx context.Context, path string) opener {
	return func() (io.ReadCloser, error) { return open(ctx, path) }
}

// scanCSV reads a table; the columns in text are categorical, to which it adds.
func scanCSV(path string, ignore []string, text map[string]bool, open opener) (*table, error) {
	for {
		r, err := open()
		if err != nil {
			return nil, ioFault("csv", path, 0, err)
		}
		t, err := scan(r, path, ignore, text)
		r.Close()
		if err != nil {
			return nil, err
		}
		again := false
		for _, c := range t.columns {
			if c.late {
				text[c.name], again = true, true
			}
		}
		if !again {
			return t, nil
		}
	}
}

// scan reads a table once; the columns in text are categorical.
func scan(file io.Reader, path string, ignore []string, text map[string]bool) (*table, error) {
	in := bufio.NewReader(file)
	if head, _ := in.Peek(3); string(head) == "\ufeff" {
		in.Discard(3)
	} else if h := string(head[:min(2, len(head))]); h == "\xff\xfe" || h == "\xfe\xff" {
		return nil, &Error{Key: "csv", Path: path, Line: 1, Err: errors.New("the text is UTF-16; save it as UTF-8")}
	}
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1 // the message here says more
	r.ReuseRecord = true
	r.TrimLeadingSpace = true

	cells, err := r.Read()
	if err == io.EOF {
		return nil, &Error{Key: "csv", Path: path, Err: errors.New("the file is empty; a header line with the names of the columns is needed")}
	}
	if err != nil {
		return nil, parseFault(path, 0, err)
	}
	names, err := header(path, cells)
	if err != nil {
		return nil, err
	}
	t := &table{}
	at := make([]*column, len(names)) // by position in the file, nil if ignored
	for _, name := range ignore {
		if !slices.Contains(names, name) {
			return nil, &Error{Key: "ignore", Path: path, Err: noColumn(name, names)}
		}
	}
	for i, name := range names {
		if !slices.Contains(ignore, name) {
			at[i] = &column{name: name, text: text[name]}
			t.columns = append(t.columns, at[i])
		}
	}
	for line := 1; ; {
		cells, err := r.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, parseFault(path, line, err)
		}
		line, _ = r.FieldPos(0)
		if len(cells) != len(names) {
			return nil, ragged(path, line, len(cells), names)
		}
		for i, c := range at {
			if c != nil {
				c.add(cells[i], line)
			}
		}
		t.rows++
	}
	if t.rows == 0 {
		return nil, &Error{Key: "csv", Path: path, Err: errors.New("there are no rows below the header line")}
	}
	return t, nil
}

// header checks the names of the columns and returns a copy.
func header(path string, cells []string) ([]string, error) {
	fail := func(format string, args ...any) error {
		return &Error{Key: "csv", Path: path, Line: 1, Err: fmt.Errorf(format, args...)}
	}
	names := make([]string, len(cells))
	first := map[string]int{}
	for i, cell := range cells {
		name := decode(strings.Clone(strings.TrimSpace(cell)))
		if name == "" {
			return nil, fail("column %d has no name; name it, or remove it if it only numbers the rows", i+1)
		}
		if j, ok := first[name]; ok {
			if allNumbers(cells) {
				return nil, fail("there are only numbers; a header line with the names of the columns is needed")
			}
			return nil, fail("columns %d and %d are both called %s; rename one", j+1, i+1, quote(name))
		}
		names[i], first[name] = name, i
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t") {
		return nil, fail("there is one column, %s; separate columns by commas", quote(names[0]))
	}
	return names, nil
}

// allNumbers reports whether a line is hardly a header.
func allNumbers(cells []string) bool {
	return !slices.ContainsFunc(cells, func(s string) bool {
		_, ok := number(strings.TrimSpace(s))
		return !ok
	})
}

// ragged says that a line is too short or too long.
func ragged(path string, line, cells int, names []string) error {
	e := &Error{Key: "csv", Path: path, Line: line}
	if cells < len(names) {
		e.Column = names[cells]
		e.Err = fmt.Errorf("no value, the line ends after %d of %d; add what is missing", cells, len(names))
		return e
	}
	e.Column = names[len(names)-1]
	e.Err = fmt.Errorf("the line goes on behind the last column, %d values instead of %d; put quotes around a value with a comma in it", cells, len(names))
	return e
}

// parseFault explains what package csv found while reading after a line.
func parseFault(path string, line int, err error) error {
	var pe *csv.ParseError
	if !errors.As(err, &pe) {
		return ioFault("csv", path, line+1, err)
	}
	e := &Error{Key: "csv", Path: path, Line: pe.StartLine}
	switch {
	case errors.Is(err, csv.ErrBareQuote):
		e.Err = fmt.Errorf("byte %d: a quote in the middle of a value; put quotes around the value and write its own quotes twice", pe.Column)
	case errors.Is(err, csv.ErrQuote):
		e.Err = errors.New("a quoted value has no proper end; close its quote, and write quotes inside it twice")
	default:
		e.Err = pe.Err
	}
	return e
}
