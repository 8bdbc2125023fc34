package trees

import (
	"fmt"
	"math"
)

// Table is rows to learn from or to predict.
type Table struct {
	Columns []Column
	X       []float32 // rows × columns, row-major: a number, or the number of a category; NaN where a value is missing
}

// Column describes a column of a table.
type Column struct {
	Name     string
	Levels   int  // categories, numbered from 0; 0 means that the column holds numbers
	Monotone int8 // 1: the prediction must not fall where the number rises; −1: must not rise; 0: anything. Of numbers, with one output
}

// Target is what is to be predicted of each row, and how much each row counts.
type Target struct {
	Class  []int32   // classification: 0 ≤ class < Config.Classes
	Value  []float32 // regression
	Weight []float32 // nil: each row counts 1
}

// Rows is the number of rows.
func (t *Table) Rows() int { return len(t.X) / max(len(t.Columns), 1) }

// check reports whether a table can be learned from.
func (t *Table) check() error {
	n := len(t.Columns)
	switch {
	case n == 0 || len(t.X) == 0:
		return fmt.Errorf("trees: there are no columns or no rows")
	case len(t.X)%n != 0:
		return fmt.Errorf("trees: %d values are no whole rows of %d columns", len(t.X), n)
	}
	for _, c := range t.Columns {
		if c.Levels < 0 || c.Levels > maxLevels {
			return fmt.Errorf("trees: column %q has %d categories; there may be 0 to %d", c.Name, c.Levels, maxLevels)
		}
		if c.Levels > 0 && c.Monotone != 0 {
			return fmt.Errorf("trees: column %q holds categories, which have no order to be monotone in", c.Name)
		}
	}
	return nil
}

const maxLevels = 1 << 16

// check reports whether the targets fit rows and task.
func (y *Target) check(rows, classes int) error {
	if classes > 0 {
		if len(y.Class) != rows {
			return fmt.Errorf("trees: %d classes for %d rows", len(y.Class), rows)
		}
		for i, c := range y.Class {
			if c < 0 || int(c) >= classes {
				return fmt.Errorf("trees: row %d has class %d of %d", i, c, classes)
			}
		}
	} else if len(y.Value) != rows {
		return fmt.Errorf("trees: %d targets for %d rows", len(y.Value), rows)
	}
	for i, v := range y.Value {
		if v != v || math.IsInf(float64(v), 0) {
			return fmt.Errorf("trees: the target of row %d is %v", i, v)
		}
	}
	if y.Weight == nil {
		return nil
	}
	if len(y.Weight) != rows {
		return fmt.Errorf("trees: %d weights for %d rows", len(y.Weight), rows)
	}
	sum := 0.
	for i, w := range y.Weight {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("trees: the weight of row %d is %v", i, w)
		}
		sum += float64(w)
	}
	if sum == 0 {
		return fmt.Errorf("trees: all weights are 0")
	}
	return nil
}

// weight is how much a row counts.
func (y *Target) weight(i int) float64 {
	if y.Weight == nil {
		return 1
	}
	return float64(y.Weight[i])
}

// level is the category of a cell, −1 for a missing one or one beyond the levels.
func (c *Column) level(x float32) int {
	if !(x >= 0) || x >= float32(c.Levels) {
		return -1
	}
	return int(x)
}
