package data

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// grid is a text file's cells by column, before it is decided what they are.
type grid struct {
	path    string
	names   []string
	unnamed []bool   // by place: the header gives no name
	columns []*cells // by place; nil where nobody wants it
	rows    int
	dialect Dialect
	empty   int // rows of empty cells, which are left out
	cut     bool
	notes   []string
}

// scanner reads the cells of a text file.
type scanner struct {
	source *Source
	path   string
	also   spelt
	known  *Dialect // of another file of the same kind; nil: it is found
	most   int      // rows; 0: all

	// open begins a column; nil leaves it out.
	open func(name string, at int) *cells
}

// scan reads a file once.
func (s *scanner) scan(file io.Reader) (*grid, error) {
	in, charset := textOf(file)
	head, err := in.Peek(peek)
	if err != nil && err != io.EOF && len(head) == 0 {
		return nil, ioFault("csv", s.path, 0, err)
	}
	if err := s.foreign(head); err != nil {
		return nil, err
	}
	g := &grid{path: s.path, dialect: dialect(head, s.source)}
	d := &g.dialect
	if k := s.known; k != nil && k.comma == d.comma {
		d.decimal = k.decimal
	}
	d.Charset = charset
	if charset != "UTF-8" {
		d.notes = append(d.notes, "the text is "+charset)
	}
	in.Discard(d.skip)
	r := csv.NewReader(in)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = d.comma, -1, true // the message here says more
	r.TrimLeadingSpace = d.comma == ',' || d.comma == ';'
	r.LazyQuotes = !r.TrimLeadingSpace // such files often have quotes that mean themselves
	cells, err := r.Read()
	if err == io.EOF {
		return nil, &Error{Key: "csv", Path: s.path, Err: errors.New("the file is empty; a header line with the names of the columns is needed")}
	}
	if err != nil {
		return nil, shifted(parseFault(s.path, 0, err), d.lines)
	}
	if err := g.header(cells, s.source.Target); err != nil {
		return nil, err
	}
	for i, name := range g.names {
		g.columns = append(g.columns, s.open(name, i))
	}
	for line := 1; s.most == 0 || g.rows < s.most; {
		cells, err := r.Read()
		if err == io.EOF {
			return g, nil
		}
		if err != nil {
			return nil, shifted(parseFault(s.path, line, err), d.lines)
		}
		line, _ = r.FieldPos(0)
		if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			g.empty++
			continue
		}
		if cells, err = g.whole(cells, line+d.lines); err != nil {
			return nil, err
		}
		for i, c := range g.columns {
			if c != nil {
				c.add(cells[i], line+d.lines, &s.also)
			}
		}
		g.rows++
	}
	g.cut = true
	return g, nil
}

// shifted counts the lines above the header line.
func shifted(err error, lines int) error {
	var e *Error
	if errors.As(err, &e) && e.Line > 0 {
		e.Line += lines
	}
	return err
}

// foreign says what a file is that is no text of a table.
func (s *scanner) foreign(head []byte) error {
	fail := func(text string) error { return &Error{Key: "csv", Path: s.path, Err: errors.New(text)} }
	switch text := strings.TrimSpace(string(head[:min(len(head), 64)])); {
	case strings.HasPrefix(text, "PK\x03\x04"):
		return fail("this is a zip file, as spreadsheets (.xlsx) are; unpack it, or save the table as CSV")
	case strings.HasPrefix(text, "PAR1"):
		return fail("this is a Parquet file; name it under parquet")
	case strings.HasPrefix(text, "\xd0\xcf\x11\xe0"):
		return fail("this is an old Excel file; save the table as CSV")
	case strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[{"):
		return fail("this looks like JSON; write the table as CSV or Parquet")
	case strings.HasPrefix(strings.ToLower(text), "<!doctype") || strings.HasPrefix(text, "<html") || strings.HasPrefix(text, "<?xml"):
		return fail("this is a web page or XML, perhaps of a download that failed; write the table as CSV or Parquet")
	}
	return nil
}

// header takes the names of the columns.
func (g *grid) header(line []string, target string) error {
	fail := func(format string, args ...any) error {
		return &Error{Key: "csv", Path: g.path, Line: 1 + g.dialect.lines, Err: fmt.Errorf(format, args...)}
	}
	var names []string
	if g.dialect.names {
		names = append(names, "")
	}
	for _, cell := range line {
		names = append(names, fromWindows(strings.Clone(strings.TrimSpace(cell))))
	}
	if len(names) > 1 && allNumbers(names) && !slices.Contains(names, target) && !counted(names) {
		return fail("there are only numbers; a header line with the names of the columns is needed")
	}
	first, taken := map[string]int{}, map[string]bool{}
	for _, name := range names {
		taken[name] = true
	}
	for i, name := range names {
		g.unnamed = append(g.unnamed, name == "")
		for n := i + 1; name == ""; n++ { // a name that no other column has
			if try := fmt.Sprintf("column %d", n); !taken[try] {
				name, taken[try] = try, true
			}
		}
		if j, ok := first[name]; ok {
			return fail("columns %d and %d are both called %s; rename one", j+1, i+1, quote(name))
		}
		names[i], first[name] = name, i
	}
	g.names = names
	return nil
}

// counted reports whether names are 0, 1, 2, … as of an array without names.
func counted(names []string) bool {
	for i, n := range names {
		if n != fmt.Sprint(i) {
			return false
		}
	}
	return true
}

// whole is a line with as many cells as the header: empty ones at its end may be too many, and those of
// columns without a name may lack.
func (g *grid) whole(cells []string, line int) ([]string, error) {
	n := len(g.names)
	for len(cells) > n && strings.TrimSpace(cells[len(cells)-1]) == "" {
		cells = cells[:len(cells)-1]
	}
	for len(cells) < n && len(cells) > 0 && g.unnamed[len(cells)] {
		cells = append(cells, "")
	}
	if len(cells) == n {
		return cells, nil
	}
	err := ragged(g.path, line, len(cells), g.names)
	var e *Error
	if errors.As(err, &e) && len(cells) > n && g.dialect.comma != ',' {
		e.Err = fmt.Errorf("the line goes on behind the last column, %d values instead of %d; put quotes around a value with the separator %s in it", len(cells), n, g.dialect.Separator)
	}
	return nil, err
}

// scanFile opens and scans a file.
func (s *scanner) scanFile(open opener) (*grid, error) {
	r, err := open()
	if err != nil {
		return nil, ioFault("csv", s.path, 0, err)
	}
	defer r.Close()
	g, err := s.scan(r)
	if err != nil {
		return nil, err
	}
	if g.rows == 0 {
		return nil, &Error{Key: "csv", Path: s.path, Err: errors.New("there are no rows below the header line")}
	}
	return g, nil
}

// sampleRows is how many rows are read to see what columns hold.
const sampleRows = 2000

// gather reads the cells of a file. The beginning of the file says of which columns
// numbers are tried, unless texts says that there is no need.
func (s *scanner) gather(ctx context.Context, open opener, texts func(name string) bool) (*grid, error) {
	sample := *s
	sample.most = sampleRows
	wanted := s.open
	g, err := sample.scanFile(open)
	if err != nil || !g.cut {
		return g, err
	}
	styles := map[string]style{}
	for _, c := range g.columns {
		if c == nil || texts(c.name) {
			continue
		}
		if st, ok := c.seemsNumber(g.dialect.decimal, &s.also); ok {
			styles[c.name] = st
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		full := *s
		full.open = func(name string, at int) *cells {
			c := wanted(name, at)
			if st, ok := styles[name]; ok && c != nil {
				c.number, c.style = true, st
			}
			return c
		}
		if g, err = full.scanFile(open); err != nil {
			return nil, err
		}
		again := false
		for _, c := range g.columns {
			if c != nil && c.number && (c.late || !c.mostlyNumbers(&s.also)) {
				delete(styles, c.name)
				again = true
			}
		}
		if !again {
			return g, nil
		}
	}
}
