package data

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// understanding is what a table was found to mean, so that other files of its kind are read alike.
type understanding struct {
	dialect  Dialect
	meanings []*meaning
	also     spelt
}

// put puts what a column has become where its role wants it.
func (t *table) put(r role, list []*column, goal **column) {
	switch r {
	case target:
		*goal = list[0]
	case grouping:
		t.group = list[0]
	case timed:
		t.time = list[0].num
		t.columns = append(t.columns, list[1:]...)
	default:
		t.columns = append(t.columns, list...)
	}
}

// understand reads the table of a source, with its target and the column of its groups.
// Rows of its test file come behind the others, from own on.
func understand(ctx context.Context, s Source) (t *table, goal *column, own int, err error) {
	f := s.files()[0]
	u := &understanding{also: newSpelt(s.Missing)}
	g, err := u.gather(ctx, &s, f.path)
	if err != nil {
		return nil, nil, 0, err
	}
	if err := u.assign(&s, g); err != nil {
		return nil, nil, 0, err
	}
	p := &Profile{File: f.path, Rows: g.rows, Dialect: &g.dialect, understood: u}
	if s.CSV == "" {
		p.Dialect = nil
	}
	p.reading(g)
	t = &table{rows: g.rows, profile: p}
	for i, m := range u.meanings {
		c := g.columns[i]
		if c == nil {
			p.Columns = append(p.Columns, ColumnProfile{Name: m.name, Role: "left out", Kind: m.kind, Why: m.why})
			continue
		}
		list, err := u.build(c, m, p)
		if err != nil {
			return nil, nil, 0, placed(err, f)
		}
		t.put(m.role, list, &goal)
	}
	own = t.rows
	p.repeated(t, u)
	if s.TestFile != "" {
		if err := u.joinTest(ctx, &s, t, goal); err != nil {
			return nil, nil, 0, err
		}
	}
	return t, goal, own, nil
}

// placed is an error of a file.
func placed(err error, f file) error {
	var e *Error
	if errors.As(err, &e) && e.Path == "" {
		e.Path = f.path
		if e.Key == "" {
			e.Key = f.key
		}
	}
	return err
}

// gather reads the cells of the source's own file.
func (u *understanding) gather(ctx context.Context, s *Source, path string) (*grid, error) {
	out := slices.Clone(s.Ignore)
	for name, kind := range s.Columns {
		if kind == KindIgnore || kind == KindID {
			out = append(out, name)
		}
	}
	open := func(name string, at int) *cells {
		if slices.Contains(out, name) {
			return nil
		}
		return &cells{name: name, at: at, style: style{decimal: '.'}}
	}
	if s.CSV == "" {
		return gatherParquet(ctx, path, open, &u.also)
	}
	sc := &scanner{source: s, path: path, also: u.also, open: open}
	return sc.gather(ctx, opens(ctx, path), func(name string) bool {
		kind := s.Columns[name]
		return kind == KindCategory || kind == KindDate || kind == KindText || name == s.Split.Group || slices.Contains(s.targetEncoded(), name)
	})
}

func (s *Source) targetEncoded() []string {
	if s.TargetEncode == nil {
		return nil
	}
	return s.TargetEncode.Columns
}

// assign checks the names of a source against the columns, and decides what these are.
func (u *understanding) assign(s *Source, g *grid) error {
	check := func(key, name string) error {
		if name == "" || slices.Contains(g.names, name) {
			return nil
		}
		return &Error{Key: key, Path: g.path, Err: noColumn(name, g.names)}
	}
	err := errors.Join(check("target", s.Target), check("split.group", s.Split.Group), check("split.time", s.Split.Time))
	if err != nil {
		return firstOf(err)
	}
	for _, name := range s.Ignore {
		if err := check("ignore", name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Columns)) {
		if err := check("columns."+name, name); err != nil {
			return err
		}
	}
	u.dialect = g.dialect
	for i, name := range g.names {
		m := &meaning{name: name, role: input, kind: s.Columns[name], asked: s.Columns[name] != ""}
		switch name {
		case s.Target:
			m.role = target
		case s.Split.Group:
			m.role, m.kind = grouping, KindCategory
		case s.Split.Time:
			m.role = timed
		}
		if slices.Contains(s.targetEncoded(), name) && m.kind == "" {
			m.kind = KindCategory
		}
		u.meanings = append(u.meanings, m)
		c := g.columns[i]
		switch {
		case c == nil && m.kind == KindID:
			m.out, m.why = "ignored", "the study file says it is an id"
			continue
		case c == nil:
			m.kind, m.out, m.why = KindIgnore, "ignored", "the study file says so"
			continue
		case !c.number:
			c.guess(m, g.dialect.decimal, g.dialect.comma, &u.also)
		default:
			c.guessNumber(m)
		}
		if len(s.Image) > 0 && m.out != "" && m.role == input { // pixels may be constant
			m.out = ""
			if m.kind == KindID {
				m.kind = KindCategory
			}
		}
		if m.asked {
			m.why = "the study file says so"
		}
		if m.role == input && g.unnamed[i] && m.out == "empty" {
			m.why = "no name, and no cell has a value"
		}
		if m.role != input {
			m.out = ""
		}
		if m.role == timed && m.kind != KindNumber && m.kind != KindDate {
			return &Error{Key: "split.time", Path: g.path, Column: name, Err: fmt.Errorf("%s is neither a date nor a number; rows cannot be put in order by it", quote(c.first(&u.also)))}
		}
	}
	return nil
}

// firstOf is the first of joined errors.
func firstOf(err error) error {
	var e *Error
	errors.As(err, &e)
	return e
}

// guessNumber decides what a column is that was read as numbers.
func (c *cells) guessNumber(m *meaning) {
	m.style = c.style
	switch {
	case c.truth && (m.kind == "" || m.kind == KindNumber):
		m.kind, m.truth, m.why = KindNumber, []string{"False", "True"}, "true and false, as 1 and 0"
	case c.days && m.kind == "":
		m.kind, m.why = KindDate, "dates"
	case m.kind == "":
		m.kind = KindNumber
		if len(c.list) == 0 && c.packed() {
			m.kind, m.packed, m.why = KindDate, true, "dates as numbers, year month day"
		}
	}
	if m.kind == KindText {
		m.kind = KindCategory
	}
}

// build makes a column of the table of the cells of a meaning: of a date also its parts.
func (u *understanding) build(c *cells, m *meaning, p *Profile) ([]*column, error) {
	row := ColumnProfile{Name: m.name, Role: string(m.role), Kind: m.kind}
	defer func() {
		row.Why, row.Warning = m.why, m.warning
		if m.out != "" {
			row.Role = "left out"
		}
		p.Columns = append(p.Columns, row)
	}()
	if w := c.windows; w.line > 0 && p.windows == "" {
		p.windows = fmt.Sprintf("the text is not UTF-8: read as Windows-1252, as in line %d, column %s: %s", w.line, quote(m.name), quote(w.text))
	}
	if m.kind == KindID && m.out != "" {
		row.Missing, row.Distinct, row.Example = c.absent(&u.also), len(c.list), c.first(&u.also)
		return nil, nil
	}
	switch {
	case m.kind == KindCategory || m.kind == KindText || m.role == target && m.truth != nil:
		if m.role == target && m.truth != nil {
			row.Kind = KindCategory
		}
		col := u.category(c, m, p)
		row.Missing, row.Distinct = col.missing, len(col.levels)
		if len(col.levels) > 0 {
			row.Example = col.levels[0]
		}
		if m.kind == KindText {
			col = col.hash(m.words)
			m.why = fmt.Sprintf("%s: %d values, hashed words by TF-IDF", m.why, m.words)
		}
		if m.out != "" {
			return nil, nil
		}
		return []*column{col}, nil
	}
	values := m.withoutSentinel(u.values(c, m, p), p)
	p.style(c, m)
	col := newNumbers(m.name, values)
	row.Missing, row.Distinct = col.missing, col.distinct()
	if m.asked && !m.settled && col.missing == len(values) && len(values) > 0 {
		what := "a number"
		if m.kind == KindDate {
			what = "a date"
		}
		return nil, &Error{Key: "columns." + m.name, Column: m.name, Err: fmt.Errorf("no cell is %s, as %s; give another kind", what, quote(c.first(&u.also)))}
	}
	if !m.settled && m.why == "" {
		m.judge(col, values)
	}
	row.Kind = m.kind
	row.Example = exampleOf(values, m)
	if m.out != "" {
		return nil, nil
	}
	out := []*column{col}
	if m.kind == KindDate {
		out = append(out, m.split(values)...)
		for _, part := range m.parts {
			row.Parts = append(row.Parts, string(part))
			if part == hour && m.why == "dates" {
				m.why = "dates with times"
			}
		}
	}
	return out, nil
}

func exampleOf(values []float64, m *meaning) string {
	for _, x := range values {
		if math.IsNaN(x) {
			continue
		}
		switch {
		case m.truth != nil:
			return m.truth[int(x)&1]
		case m.kind == KindDate:
			return moment(x)
		}
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return ""
}

// newNumbers is a column of numbers.
func newNumbers(name string, values []float64) *column {
	c := &column{name: name, num: values}
	for _, x := range values {
		if math.IsNaN(x) {
			c.missing++
		} else if len(c.numbers) < countTo {
			if c.numbers == nil {
				c.numbers = map[float64]struct{}{}
			}
			c.numbers[x] = struct{}{}
		}
	}
	return c
}

// values are the numbers of a column's cells, NaN where there is none, which is said.
func (u *understanding) values(c *cells, m *meaning, p *Profile) []float64 {
	var read func(text string) (float64, bool)
	switch {
	case m.kind == KindDate:
		read = func(text string) (float64, bool) {
			if w, _, ok := whenOf(text, m.order); ok {
				return w.day, true
			}
			if x, ok := number(text); ok && (m.packed || m.asked) {
				return m.dayOf(x)
			}
			return 0, false
		}
	case m.truth != nil:
		read = func(text string) (float64, bool) {
			is, ok := truth(text)
			if is {
				return 1, true
			}
			if !ok {
				return number(text)
			}
			return 0, ok
		}
	default:
		read = c.style.number
	}
	var odd []int
	if c.number {
		for k := range c.list {
			odd = append(odd, k)
		}
		p.odd(c, m, odd, &u.also)
		if m.kind == KindDate && !c.days {
			out := slices.Clone(c.value)
			for i, x := range out {
				if day, ok := m.dayOf(x); ok {
					out[i] = day
				} else {
					out[i] = math.NaN()
				}
			}
			return out
		}
		return c.value
	}
	of := make([]float64, len(c.list))
	for k, text := range c.list {
		x, ok := read(text)
		if u.also.missing(text, true) || !ok || m.kind == KindNumber && u.also.numbers[x] {
			x = math.NaN()
			odd = append(odd, k)
		}
		of[k] = x + 0
	}
	p.odd(c, m, odd, &u.also)
	out := make([]float64, len(c.code))
	for i, k := range c.code {
		if k < 0 {
			out[i] = math.NaN()
		} else {
			out[i] = of[k]
		}
	}
	return out
}

// category is a column of the texts of cells.
func (u *understanding) category(c *cells, m *meaning, p *Profile) *column {
	out := &column{name: m.name, text: true, index: map[string]int32{}}
	level := func(text string, line int) int32 {
		k, ok := out.index[text]
		if !ok {
			k = int32(len(out.levels))
			out.index[text] = k
			out.levels = append(out.levels, text)
			if out.cell == "" {
				if _, is := number(text); !is {
					out.line, out.cell = line, text
				}
			}
		}
		return k
	}
	if c.number { // of a file whose columns have types
		for _, x := range c.value {
			switch {
			case math.IsNaN(x):
				out.addMissing()
			case m.truth != nil || c.truth:
				names := m.truth
				if names == nil {
					names = []string{"False", "True"}
				}
				out.code = append(out.code, level(names[int(x)&1], 0))
			case c.days:
				out.code = append(out.code, level(moment(x), 0))
			default:
				out.code = append(out.code, level(strconv.FormatFloat(x, 'f', -1, 64), 0))
			}
		}
		return out
	}
	if !m.settled {
		m.none = u.classNone(c, m)
	}
	of := make([]int32, len(c.list))
	var odd []int
	for k, text := range c.list {
		if u.also.missing(text, m.asked) && !(m.none && isNone(text)) {
			of[k] = -1
			odd = append(odd, k)
			continue
		}
		if m.truth != nil {
			if is, ok := truth(text); ok && is {
				text = m.truth[1]
			} else if ok {
				text = m.truth[0]
			}
		}
		of[k] = level(text, c.line[k])
	}
	if m.none && !m.settled {
		p.Notes = append(p.Notes, fmt.Sprintf("column %s: \"none\" is taken as a class, for it is as frequent as others; if it means a missing value, write missing: [None]", quote(m.name)))
	}
	p.odd(c, m, odd, &u.also)
	out.code = make([]int32, 0, len(c.code))
	for _, k := range c.code {
		if k >= 0 {
			k = of[k]
		}
		if k < 0 {
			out.addMissing()
		} else {
			out.code = append(out.code, k)
		}
	}
	return out
}

// classNone reports whether "none" is a class of the target: it is as frequent as the rarest of several others.
func (u *understanding) classNone(c *cells, m *meaning) bool {
	if m.role != target || m.kind != KindCategory || m.asked {
		return false
	}
	none, rarest, others := 0, math.MaxInt, 0
	for k, text := range c.list {
		switch {
		case isNone(text) && !u.also.missing(text, true):
			none += c.count[k]
		case !u.also.missing(text, false):
			others++
			rarest = min(rarest, c.count[k])
		}
	}
	return none > 0 && others > 0 && none >= rarest
}

// hash is a column of categories as one of words.
func (c *column) hash(width int) *column {
	out := &column{name: c.name, code: c.code, missing: c.missing, words: &hashed{width: width}, levels: c.levels}
	for _, text := range c.levels {
		out.words.add(text)
	}
	return out
}

// split are the parts of moments, as columns. Those that do not vary are left out, unless it is known which
// ones there are.
func (m *meaning) split(values []float64) []*column {
	var out []*column
	parts, find := m.parts, !m.settled
	if find {
		parts = []part{weekday, hour, month}
		m.parts = nil
	}
	for _, part := range parts {
		num := make([]float64, len(values))
		first, varies := math.NaN(), false
		for i, day := range values {
			if math.IsNaN(day) {
				num[i] = day
				continue
			}
			num[i] = part.of(day)
			if math.IsNaN(first) {
				first = num[i]
			}
			varies = varies || num[i] != first
		}
		if find && !varies {
			continue
		}
		if find {
			m.parts = append(m.parts, part)
		}
		out = append(out, newNumbers(m.name+" "+string(part), num))
	}
	return out
}
