package data

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Task is what is learned. If a source names none, a categorical target makes
// it a classification, and so does a numeric one with at most 20 different
// values, all whole, in at least twice as many rows; any other numeric target
// makes it a regression.
type Task string

// The tasks.
const (
	Classification Task = "classification"
	Regression     Task = "regression"
)

const maxClassNumbers = 20 // more different whole numbers are no classes, unless the source says so

// goal is the target of every row of a table.
type goal struct {
	rows  []int    // those that have a target
	class []int32  // classification: by row of the table, -1 where missing
	names []string // names of the classes
	value []float64
}

// newGoal turns the target column into classes or numbers.
func newGoal(c *column, rows int, task Task) (goal, *Error) {
	present := rows - c.missing
	switch {
	case present == 0:
		return goal{}, fault("target", "every value is missing")
	case c.distinct() == 1 && c.missing > 0:
		return goal{}, fault("target", "all rows that have a value have the same; with %s without one (if a word such as None is a class, write columns: {%s: category})", howMany(c.missing, "row"), c.name)
	case c.distinct() == 1:
		return goal{}, fault("target", "all rows have the same value; there is nothing to learn")
	}
	if task == "" {
		task = infer(c, present)
	}
	if task == Regression {
		if c.text {
			e := fault("task", "%s is not a number; a regression needs a numeric target", quote(c.cell))
			e.Line = c.line
			return goal{}, e
		}
		return goal{rows: withTarget(rows, func(i int) bool { return !math.IsNaN(c.num[i]) }), value: c.num}, nil
	}
	g := goal{class: make([]int32, rows)}
	if c.text {
		g.textClasses(c)
	} else {
		g.numberClasses(c)
	}
	if k := len(g.names); 2*k > present {
		err := fmt.Errorf("%d different values in %d rows are too many for classes; choose another target", k, present)
		if !c.text {
			err = fmt.Errorf("%w, or the task regression", err)
		}
		return goal{}, &Error{Key: "target", Err: err}
	}
	g.rows = withTarget(rows, func(i int) bool { return g.class[i] >= 0 })
	return g, nil
}

func infer(c *column, present int) Task {
	if c.text {
		return Classification
	}
	if n := len(c.numbers); n > maxClassNumbers || 2*n > present {
		return Regression
	}
	for x := range c.numbers {
		if x != math.Trunc(x) {
			return Regression
		}
	}
	return Classification
}

// textClasses numbers the classes in the order of their names.
func (g *goal) textClasses(c *column) {
	g.names = slices.Clone(c.levels)
	order := make([]int, len(c.levels)) // levels by name
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(c.levels[a], c.levels[b]) })
	rank := make([]int32, len(order))
	for i, level := range order {
		g.names[i], rank[level] = c.levels[level], int32(i)
	}
	for i, k := range c.code {
		g.class[i] = -1
		if k >= 0 {
			g.class[i] = rank[k]
		}
	}
}

// numberClasses numbers the classes in the order of their numbers.
func (g *goal) numberClasses(c *column) {
	values := slices.DeleteFunc(slices.Clone(c.num), math.IsNaN)
	slices.Sort(values)
	values = slices.Compact(values)
	for _, x := range values {
		g.names = append(g.names, strconv.FormatFloat(x, 'f', -1, 64))
	}
	for i, x := range c.num {
		g.class[i] = -1
		if !math.IsNaN(x) {
			k, _ := slices.BinarySearch(values, x)
			g.class[i] = int32(k)
		}
	}
}

func withTarget(rows int, has func(int) bool) []int {
	out := make([]int, 0, rows)
	for i := range rows {
		if has(i) {
			out = append(out, i)
		}
	}
	return out
}
