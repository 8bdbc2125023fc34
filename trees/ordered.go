package trees

import (
	"math/rand/v2"
)

// Ordered stands for a column of categories: numbers in its place, for each output of the target the mean of
// the target over the rows of the category.
type Ordered struct {
	Column int       // of the table
	Width  int       // numbers that it becomes
	Means  []float32 // (levels + 1) × Width: of each category, then of a missing or unknown one
}

// fitOrdered makes the columns of categories columns of numbers. In training a row has the mean of
// the rows of its category that come before it in a random order, with a prior, so that it
// does not see its own target (Prokhorenkova et al. 2018, "CatBoost", section 3.2); later rows have the
// mean of all of them. With more than two classes there is a number for each.
func (m *Model) fitOrdered(t *Table, y *Target, c Config) *Table {
	n, w := t.Rows(), len(t.Columns)
	width := 1
	if c.Classes > 2 {
		width = c.Classes
	}
	target := func(row, k int) float64 {
		switch {
		case c.Classes == 0:
			return float64(y.Value[row])
		case c.Classes == 2:
			return float64(y.Class[row])
		case int(y.Class[row]) == k:
			return 1
		}
		return 0
	}
	prior := make([]float64, width)
	for k := range prior {
		prior[k] = y.mean(n, func(i int) float64 { return target(i, k) })
	}
	order := rand.New(rand.NewPCG(c.Seed, 1<<63)).Perm(n)
	before := make([][]float32, w)
	for j := range t.Columns {
		col := &t.Columns[j]
		if col.Levels == 0 {
			continue
		}
		sums, weights := make([]float64, (col.Levels+1)*width), make([]float64, col.Levels+1)
		mean := func(level, k int) float32 {
			return float32((sums[level*width+k] + c.CatSmooth*prior[k]) / (weights[level] + c.CatSmooth))
		}
		seen := make([]float32, n*width)
		for _, i := range order {
			level := col.level(t.X[i*w+j])
			if level < 0 {
				level = col.Levels
			}
			for k := range width {
				seen[i*width+k] = mean(level, k)
				sums[level*width+k] += y.weight(i) * target(i, k)
			}
			weights[level] += y.weight(i)
		}
		before[j] = seen
		o := Ordered{Column: j, Width: width}
		for level := range col.Levels + 1 {
			for k := range width {
				o.Means = append(o.Means, mean(level, k))
			}
		}
		m.Ordered = append(m.Ordered, o)
	}
	if m.Ordered == nil {
		return t
	}
	out := &Table{Columns: m.encodedColumns()}
	for i := range n {
		for j := range w {
			if before[j] == nil {
				out.X = append(out.X, t.X[i*w+j])
			} else {
				out.X = append(out.X, before[j][i*width:][:width]...)
			}
		}
	}
	return out
}

// ordered is what stands for a column; nil: itself.
func (m *Model) ordered(column int) *Ordered {
	for i := range m.Ordered {
		if m.Ordered[i].Column == column {
			return &m.Ordered[i]
		}
	}
	return nil
}

// encodedColumns are the columns that trees see.
func (m *Model) encodedColumns() (out []Column) {
	for j, c := range m.Columns {
		o := m.ordered(j)
		if o == nil {
			out = append(out, c)
			continue
		}
		for range o.Width {
			out = append(out, Column{Name: c.Name})
		}
	}
	return out
}

// width is the number of columns that trees see.
func (m *Model) width() int { return len(m.encodedColumns()) }

// origin is the column of the table that a column of the trees comes from.
func (m *Model) origin() (out []int) {
	for j := range m.Columns {
		n := 1
		if o := m.ordered(j); o != nil {
			n = o.Width
		}
		for range n {
			out = append(out, j)
		}
	}
	return out
}

// encoded are rows as trees see them.
func (m *Model) encoded(x []float32) []float32 {
	if m.Ordered == nil {
		return x
	}
	var out []float32
	at := make([]*Ordered, len(m.Columns))
	for j := range at {
		at[j] = m.ordered(j)
	}
	for i := 0; i < len(x); i += len(at) {
		for j, o := range at {
			if o == nil {
				out = append(out, x[i+j])
				continue
			}
			level := m.Columns[j].level(x[i+j])
			if level < 0 {
				level = m.Columns[j].Levels
			}
			out = append(out, o.Means[level*o.Width:][:o.Width]...)
		}
	}
	return out
}
