package trees

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Config are the settings of boosting. The zero value is squared error with the defaults
// that the fields name.
type Config struct {
	Loss    string  // see Losses; "" means softmax or logistic with classes, else squared
	Classes int     // 0: regression
	Alpha   float64 // the quantile of the loss quantile, within 0 and 1; 0 means 0.5

	Rate   float64 // what the leaves of each tree are multiplied by; 0 means 0.1
	Growth string  // "depth": level by level; "leaf": the leaf with the largest gain first; "" means depth
	Depth  int     // most splits above a leaf; 0 means 6, or no limit with growth by leaf
	Leaves int     // most leaves of a tree; 0 means no limit, or 31 with growth by leaf
	Bins   int     // most bins of a column, beside that of missing values, 2 to 255; 0 means 255

	MinChild float64 // least sum of second derivatives (for squared error: rows) of a leaf
	MinGain  float64 // least gain of a split
	L1, L2   float64 // penalties of a leaf's value

	Rows    float64 // share of the rows that each tree is grown from, drawn anew; 0 means all
	Columns float64 // share of the columns that each tree may use, drawn anew; 0 means all

	Categories string  // "optimal": sets of categories by their gradients; "ordered": means of the target over the rows before; "" means optimal
	CatSmooth  float64 // optimal: what is added to the second derivatives of a category that is one of many; ordered: rows that the prior counts as. 0 means 10

	FromZero bool   // predictions begin at 0, not at the best constant
	Seed     uint64 // of all that is random
	Threads  int    // threads that grow a tree; 0 means 1. It changes no bit of the result
}

// The names of growth and of what is done with categories.
var (
	Growths    = []string{"depth", "leaf"}
	Categories = []string{"optimal", "ordered"}
)

// complete fills in the defaults and validates.
func (c Config) complete() (Config, error) {
	def := func(v *float64, d float64) {
		if *v == 0 {
			*v = d
		}
	}
	if c.Loss == "" {
		switch {
		case c.Classes > 2:
			c.Loss = "softmax"
		case c.Classes > 0:
			c.Loss = "logistic"
		default:
			c.Loss = "squared"
		}
	}
	if c.Growth == "" {
		c.Growth = "depth"
	}
	if c.Categories == "" {
		c.Categories = "optimal"
	}
	if c.Depth == 0 {
		c.Depth = 6
		if c.Growth == "leaf" {
			c.Depth = maxDepth
		}
	}
	if c.Leaves == 0 {
		c.Leaves = maxLeaves
		if c.Growth == "leaf" {
			c.Leaves = 31
		}
	}
	if c.Bins == 0 {
		c.Bins = maxBins
	}
	def(&c.Rate, .1)
	def(&c.Rows, 1)
	def(&c.Columns, 1)
	def(&c.Alpha, .5)
	def(&c.CatSmooth, 10)
	c.Threads = max(c.Threads, 1)
	for _, n := range []struct {
		name    string
		value   float64
		lo, hi  float64
		without bool // lo itself is not allowed
	}{
		{"rate", c.Rate, 0, 100, true}, {"alpha", c.Alpha, 0, 1, true}, {"depth", float64(c.Depth), 1, maxDepth, false},
		{"leaves", float64(c.Leaves), 2, maxLeaves, false}, {"bins", float64(c.Bins), 2, maxBins, false},
		{"min_child", c.MinChild, 0, 1e12, false}, {"min_gain", c.MinGain, 0, 1e12, false}, {"l1", c.L1, 0, 1e12, false}, {"l2", c.L2, 0, 1e12, false},
		{"rows", c.Rows, 0, 1, true}, {"columns", c.Columns, 0, 1, true}, {"cat_smooth", c.CatSmooth, 0, 1e12, true},
		{"classes", float64(c.Classes), 0, 1 << 16, false},
	} {
		if !(n.value >= n.lo && n.value <= n.hi) || n.without && n.value == n.lo || math.IsNaN(n.value) {
			return c, fmt.Errorf("trees: %s: %v is outside %v to %v", n.name, n.value, n.lo, n.hi)
		}
	}
	for _, o := range []struct {
		name, value string
		options     []string
	}{{"growth", c.Growth, Growths}, {"categories", c.Categories, Categories}, {"loss", c.Loss, Losses()}} {
		if !slices.Contains(o.options, o.value) {
			return c, fmt.Errorf("trees: %s: %q is none of %s", o.name, o.value, strings.Join(o.options, ", "))
		}
	}
	if of := losses[c.Loss].classes; of != (c.Classes > 0) || c.Loss == "logistic" && c.Classes != 2 {
		return c, fmt.Errorf("trees: loss: %s does not fit %d classes", c.Loss, c.Classes)
	}
	return c, nil
}

const (
	maxBins   = 255
	maxDepth  = 64
	maxLeaves = 1 << 20
)
