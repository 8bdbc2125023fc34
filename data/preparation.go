package data

import "slices"

// Preparation is how a raw row becomes the network's input, and what its outputs
// mean: all that one needs to use the network elsewhere. It was measured on the
// training rows. Its JSON lies beside exported networks.
type Preparation struct {
	Columns    []Prepared `json:"columns,omitempty"`    // of a table, in its order, without target, group and those ignored
	Pixels     *Number    `json:"pixels,omitempty"`     // of images instead: how each value is encoded
	Resize     *Resize    `json:"resize,omitempty"`     // of image files: how a file gets its size; its pixels, 0 to 255, are the raw row
	Vocabulary []string   `json:"vocabulary,omitempty"` // of a text instead: the characters by number; the first stands for all others

	Classes     []string `json:"classes,omitempty"`      // by output
	Target      string   `json:"target,omitempty"`       // the column that is predicted
	TargetMean  float64  `json:"target_mean,omitempty"`  // regression: the target is TargetMean + output·TargetScale
	TargetScale float64  `json:"target_scale,omitempty"` // likewise

	shape Shape // of a row for the network
}

// Prepared is a column of a table. Its values come behind those of the columns
// before it.
type Prepared struct {
	Name    string   `json:"name"`
	Kind    Kind     `json:"kind"`
	Number  Number   `json:"number,omitzero"`   // numeric
	Missing bool     `json:"missing,omitempty"` // numeric: one more value behind, 1 if the number is missing, else 0
	Levels  []string `json:"levels,omitempty"`  // categorical: a raw value is a place in this list

	Words *Words `json:"words,omitempty"` // text

	// Table is the encoded values of each level, then of a missing value, then of
	// a level that was never seen.
	Table [][]float32 `json:"table,omitempty"`
}

// Width is how many values the column becomes.
func (c Prepared) Width() int {
	switch {
	case c.Words != nil:
		return len(c.Words.Rarity)
	case c.Kind == Categorical:
		return len(c.Table[0])
	case c.Missing:
		return c.Number.Width() + 1
	}
	return c.Number.Width()
}

// Words says what becomes of a text: each word, its letters and digits in small letters,
// counts at the place of its FNV-1a hash (32 bits) modulo the number of places, times the
// rarity of that place; then all are divided by the root of the sum of their squares.
type Words struct {
	Rarity []float32 `json:"rarity"` // by place
}

// Number says what becomes of numbers: z = (x − mean)·scale within ±[MaxScore],
// then see [Encoding]. A missing number becomes 0.
type Number struct {
	Encoding Encoding  `json:"encoding"`
	Mean     float64   `json:"mean"` // robust: the median
	Scale    float64   `json:"scale"`
	Edges    []float64 `json:"edges,omitempty"` // piecewise: of the bins; quantile: the quantiles
}

// Width is how many values a number becomes.
func (n Number) Width() int {
	if n.Encoding == Piecewise {
		return max(len(n.Edges), 1)
	}
	return 1
}

// Raw is the shape of a raw row.
func (p *Preparation) Raw() Shape {
	if p.Columns != nil {
		return Shape{len(p.Columns)}
	}
	return p.shape
}

func asNumber(t transform) Number {
	switch t := t.(type) {
	case robust:
		return Number{Robust, t.median, t.scale, nil}
	case ranks:
		return Number{Quantile, 0, 1, t}
	case piecewise:
		return Number{Piecewise, t.mean, t.scale, t.edges}
	case standard:
		return Number{Standard, t.mean, t.scale, nil}
	}
	return Number{}
}

// preparation describes an encoder.
func (e *encoder) preparation() *Preparation {
	p := &Preparation{shape: e.shape}
	if len(e.shape) > 1 { // an image: all columns alike
		var n Number
		if e.pixels != nil {
			n = asNumber(e.pixels.number)
		} else {
			n = asNumber(e.columns[0].number)
		}
		p.Pixels = &n
		return p
	}
	for i := range e.columns {
		f := &e.columns[i]
		c := Prepared{Name: f.name, Kind: f.info().Kind}
		if f.words != nil {
			c.Words = &Words{Rarity: f.idf}
		} else if !f.text {
			c.Number, c.Missing = asNumber(f.number), f.missing >= 0
		} else {
			end := e.shape.Size()
			if i+1 < len(e.columns) {
				end = e.columns[i+1].at
			}
			c.Levels, c.Table = slices.Clone(f.levels), f.table(end-f.at)
		}
		p.Columns = append(p.Columns, c)
	}
	return p
}

// table is the encoding of each level of a categorical column in so many values,
// then of a missing value, then of any other.
func (f *encoding) table(width int) [][]float32 {
	rows := make([][]float32, len(f.levels)+2)
	for k := range rows {
		rows[k] = make([]float32, width)
		slot := f.other
		switch {
		case f.coder != nil:
			copy(rows[k], f.means[f.coder.folds][k*width:])
			continue
		case k < len(f.levels):
			slot = f.slots[k]
		case k == len(f.levels):
			slot = f.missing
		}
		if slot >= 0 {
			rows[k][slot-f.at] = 1
		}
	}
	return rows
}
