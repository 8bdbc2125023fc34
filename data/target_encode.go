package data

import (
	"fmt"
	"slices"
)

// TargetEncode replaces categories by what the target is like where they occur
// (Micci-Barreca 2001), instead of one column for each: the mean target of the
// rows of a category, for classes the share of each class (of two classes, of the
// second alone). Rare categories are drawn to the mean of all rows:
//
//	(Σ y over the category's rows + Smooth·mean y) / (rows of the category + Smooth)
//
// A row never sees its own target: training rows fall into Folds parts and get
// the means of the other parts; validation and test rows get those of all training
// rows. Parts have their shares of the classes, and rows of a group (see
// [Split.Group]) stay together. A missing value is a category, one that was never
// seen gets the mean of all rows. The columns are standardised at the end.
type TargetEncode struct {
	Columns []string `json:"columns,omitempty" yaml:"columns,omitempty"` // categorical ones; empty means all of them
	Smooth  float64  `json:"smooth,omitempty" yaml:"smooth,omitempty"`   // rows that the mean of all counts for; 0 means 10
	Folds   int      `json:"folds,omitempty" yaml:"folds,omitempty"`     // 0 means 5
}

const maxTargetFolds = 100

func (e TargetEncode) check() *Error {
	switch {
	case !(e.Smooth >= 0 && e.Smooth <= 1e9):
		return fault("target_encode.smooth", "%v is not a number of rows; give one from 0 on", e.Smooth)
	case e.Folds != 0 && (e.Folds < 2 || e.Folds > maxTargetFolds):
		return fault("target_encode.folds", "%d is outside 2 … %d", e.Folds, maxTargetFolds)
	}
	return nil
}

// targetCoder is a target encoding of the rows of a table.
type targetCoder struct {
	columns []string // empty: all categorical ones
	smooth  float64
	folds   int
	fold    []uint8 // by row of the table; rows that are not for training have number folds
	outputs int
	y       func(row, output int) float64
}

// coder prepares the encoding of a table's rows.
func (e TargetEncode) coder(inputs []*column, g goal, train []int, group []int32, rows int) (*targetCoder, *Error) {
	t := &targetCoder{columns: e.Columns, smooth: e.Smooth, folds: e.Folds, outputs: 1}
	if t.smooth == 0 {
		t.smooth = 10
	}
	if t.folds == 0 {
		t.folds = 5
	}
	for _, name := range e.Columns {
		at := slices.IndexFunc(inputs, func(c *column) bool { return c.name == name })
		if at < 0 {
			names := make([]string, len(inputs))
			for i, c := range inputs {
				names[i] = c.name
			}
			return nil, &Error{Key: "target_encode.columns", Err: noColumn(name, names)}
		}
		if !inputs[at].text {
			return nil, &Error{Key: "target_encode.columns", Column: name, Err: fmt.Errorf("the column is numeric; name categorical ones")}
		}
	}
	t.fold = slices.Repeat([]uint8{uint8(t.folds)}, rows)
	for i, fold := range folds(train, labels{g.class, len(g.names)}, group, t.folds) {
		t.fold[train[i]] = uint8(fold)
	}
	switch {
	case g.class == nil:
		t.y = func(row, _ int) float64 { return g.value[row] }
	case len(g.names) == 2:
		t.y = func(row, _ int) float64 { return float64(g.class[row]) }
	default:
		t.outputs = len(g.names)
		t.y = func(row, k int) float64 {
			if int(g.class[row]) == k {
				return 1
			}
			return 0
		}
	}
	return t, nil
}

// takes reports whether a column is encoded. A nil coder takes none.
func (t *targetCoder) takes(c *column) bool {
	return t != nil && c.text && (len(t.columns) == 0 || slices.Contains(t.columns, c.name))
}

// fit returns the standardised means: for each fold those of the other folds, at
// last those of all training rows; in each, outputs numbers for every level, and
// behind them for a missing value and for a level that is not there.
func (t *targetCoder) fit(c *column, train []int) [][]float32 {
	levels := len(c.levels) + 2
	raw := make([][]float64, t.folds+1)
	for fold := range raw {
		raw[fold] = t.means(c, train, levels, uint8(fold))
	}
	out := make([][]float32, len(raw))
	for i := range out {
		out[i] = make([]float32, len(raw[i]))
	}
	seen := make([]float64, len(train))
	for k := range t.outputs {
		for i, row := range train {
			seen[i] = raw[t.fold[row]][t.at(c, row)*t.outputs+k]
		}
		var m moments
		m.add(seen, count(len(seen)))
		for i := range out {
			for j := k; j < len(out[i]); j += t.outputs {
				out[i][j] = score(raw[i][j], m.mean(), m.scale())
			}
		}
	}
	return out
}

// means are the smoothed means of levels over the training rows that are not in
// a fold.
func (t *targetCoder) means(c *column, train []int, levels int, fold uint8) []float64 {
	sum, rows := make([]float64, levels*t.outputs), make([]float64, levels)
	total, n := make([]float64, t.outputs), 0.
	for _, row := range train {
		if t.fold[row] == fold {
			continue
		}
		at := t.at(c, row)
		rows[at]++
		n++
		for k := range t.outputs {
			y := t.y(row, k)
			sum[at*t.outputs+k] += y
			total[k] += y
		}
	}
	for at := range rows {
		for k := range t.outputs {
			mean := total[k] / max(n, 1)
			sum[at*t.outputs+k] = (sum[at*t.outputs+k] + t.smooth*mean) / (rows[at] + t.smooth)
		}
	}
	return sum
}

// at is the level of a row, behind all others if missing.
func (t *targetCoder) at(c *column, row int) int {
	if k := c.code[row]; k >= 0 {
		return int(k)
	}
	return len(c.levels)
}

// put writes the encoding of a row's level.
func (t *targetCoder) put(out []float32, c *column, means [][]float32, row int) {
	copy(out[:t.outputs], means[t.fold[row]][t.at(c, row)*t.outputs:])
}
