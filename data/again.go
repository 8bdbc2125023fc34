package data

import (
	"context"
	"slices"
)

// again reads another file of the kind that was understood: its inputs, and the target and what else the
// rows are divided by if all is asked for. Notes say what of it was taken as missing.
func (u *understanding) again(ctx context.Context, s *Source, path string, all bool) (t *table, goal *column, notes []string, err error) {
	wanted := map[string]*meaning{}
	for _, m := range u.meanings {
		m.settled = true
		if m.out == "" && (all || m.role == input || m.role == timed && len(m.parts) > 0) {
			wanted[m.name] = m
		}
	}
	g, err := u.gatherAgain(ctx, s, path, wanted)
	if err != nil {
		return nil, nil, nil, err
	}
	p := &Profile{}
	t = &table{rows: g.rows}
	for _, m := range u.meanings {
		if wanted[m.name] == nil {
			continue
		}
		at := slices.Index(g.names, m.name)
		if at < 0 {
			return nil, nil, nil, &Error{Path: path, Err: noColumn(m.name, g.names)}
		}
		c := g.columns[at]
		if !c.number {
			c.restyle(m, &g.dialect)
		}
		list, err := u.build(c, m, p)
		if err != nil {
			return nil, nil, nil, err
		}
		t.put(m.role, list, &goal)
	}
	return t, goal, append(g.dialect.notes, p.Notes...), nil
}

// gatherAgain reads the wanted cells of another file, of either format.
func (u *understanding) gatherAgain(ctx context.Context, s *Source, path string, wanted map[string]*meaning) (*grid, error) {
	open := func(name string, at int) *cells {
		m := wanted[name]
		if m == nil {
			return nil
		}
		return &cells{name: name, at: at, style: style{decimal: '.'}}
	}
	if IsParquet(path) {
		return gatherParquet(ctx, path, open, &u.also)
	}
	like := *s
	if s.CSV == "" {
		like = Source{Target: s.Target}
	}
	sc := &scanner{source: &like, path: path, also: u.also, open: open, most: sampleRows}
	if s.CSV != "" {
		sc.known = &u.dialect
	}
	g, err := sc.scanFile(opens(ctx, path))
	if err != nil || !g.cut {
		return g, err
	}
	styles := map[string]style{}
	for _, c := range g.columns {
		if c == nil {
			continue
		}
		if m := wanted[c.name]; m.kind == KindNumber && m.truth == nil {
			c.restyle(m, &g.dialect)
			styles[c.name] = c.style
		}
	}
	sc.most = 0
	sc.open = func(name string, at int) *cells {
		c := open(name, at)
		if st, ok := styles[name]; ok && c != nil {
			c.number, c.must, c.style = true, true, st
		}
		return c
	}
	return sc.scanFile(opens(ctx, path))
}

// restyle finds how the texts of a column write what it is known to mean: as they show it themselves, or
// else as those that were read first.
func (c *cells) restyle(m *meaning, d *Dialect) {
	var v votes
	for k, text := range c.list {
		v.add(text, c.count[k])
	}
	decimal := d.decimal
	if decimal == 0 {
		decimal = m.style.decimal
	}
	c.style = v.style(decimal)
	if c.style.unit == "" {
		c.style.unit = m.style.unit
	}
	if m.kind == KindDate && m.order == anyOrder && !m.packed { // what was read first had types
		t := c.census(d.decimal, &spelt{})
		own := meaning{}
		c.dates(&own, &t, d.decimal, d.comma, &spelt{})
		m.order = own.order
	}
}

// joinTest appends the rows of the source's test file.
func (u *understanding) joinTest(ctx context.Context, s *Source, t *table, goal *column) error {
	f := file{"test", s.TestFile}
	fresh, theirs, notes, err := u.again(ctx, s, f.path, true)
	if err == nil {
		err = t.join(fresh, f.path)
	}
	if err == nil {
		err = goal.join(theirs)
	}
	if err == nil && t.group != nil {
		err = t.group.join(fresh.group)
	}
	if err != nil {
		if e, ok := err.(*Error); ok {
			e.Key, e.Path = "test", f.path
			return e
		}
		return ioFault("test", f.path, 0, err)
	}
	t.time = append(t.time, fresh.time...)
	for _, n := range notes {
		t.profile.Notes = append(t.profile.Notes, "test file: "+n)
	}
	t.profile.TestRows = fresh.rows
	return nil
}
