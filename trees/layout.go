package trees

import (
	"fmt"
	"math"
	"slices"

	"budwood/data"
)

// Layout says which columns trees see of encoded rows ([data.Set]): of a number its first value, NaN where the
// row says that it is missing; of a category with columns of 0 and 1 which of them is 1; all other values as they are.
type Layout []Cell

// Cell is a column of a layout.
type Cell struct {
	Column
	At      int // the first of its values in an encoded row
	Width   int // values of 0 and 1 of a category; of a number 1
	Missing int // where a 1 says that the number is missing; −1: nowhere
}

// LayoutOf is the layout of rows of some values that were encoded so; of a nil preparation, or one that is
// not of a table, each value is a number.
func LayoutOf(p *data.Preparation, values int) (Layout, error) {
	var out Layout
	number := func(name string, at int) { out = append(out, Cell{Column{Name: name}, at, 1, -1}) }
	if p == nil || len(p.Columns) == 0 {
		for j := range values {
			number(fmt.Sprintf("x%d", j), j)
		}
		return out, nil
	}
	at := 0
	for _, c := range p.Columns {
		switch {
		case c.Kind != data.Categorical:
			number(c.Name, at)
			if at += c.Number.Width(); c.Missing {
				out[len(out)-1].Missing = at
				at++
			}
		case len(c.Table) == 0:
			return nil, fmt.Errorf("trees: column %q: it is not said how its categories are encoded", c.Name)
		default:
			width := len(c.Table[0])
			if width > 0 && oneHot(c.Table) {
				out = append(out, Cell{Column{Name: c.Name, Levels: width}, at, width, -1})
			} else {
				for k := range width {
					number(c.Name, at+k)
				}
			}
			at += width
		}
	}
	if at != values {
		return nil, fmt.Errorf("trees: the rows have %d values, but %d are described", values, at)
	}
	return out, nil
}

// oneHot reports whether each row has at most one 1, and else 0.
func oneHot(table [][]float32) bool {
	return !slices.ContainsFunc(table, func(row []float32) bool {
		ones := 0
		for _, v := range row {
			if v == 1 {
				ones++
			} else if v != 0 {
				return true
			}
		}
		return ones > 1
	})
}

// Columns are those of the tables that [Layout.Table] makes.
func (l Layout) Columns() []Column {
	out := make([]Column, len(l))
	for j, c := range l {
		out[j] = c.Column
	}
	return out
}

// Table is the rows of a set as trees see them.
func (l Layout) Table(s *data.Set) *Table {
	n, w := s.Len(), s.Shape.Size()
	t := &Table{Columns: l.Columns(), X: make([]float32, 0, n*len(l))}
	const rows = 256
	x := make([]float32, rows*w)
	nan := float32(math.NaN())
	for from := 0; from < n; from += rows {
		x := x[:min(rows, n-from)*w]
		s.Read(x, from)
		for ; len(x) > 0; x = x[w:] {
			for j := range l {
				c := &l[j]
				v := nan
				switch {
				case c.Levels > 0:
					if k := slices.Index(x[c.At:c.At+c.Width], 1); k >= 0 {
						v = float32(k)
					}
				case c.Missing < 0 || x[c.Missing] != 1:
					v = x[c.At]
				}
				t.X = append(t.X, v)
			}
		}
	}
	return t
}
