package data

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Kind is the type of a column.
type Kind string

// The kinds of column.
const (
	Numeric     Kind = "numeric"
	Categorical Kind = "categorical"
)

// Column describes a column of the table.
type Column struct {
	Name     string `json:"name"`
	Kind     Kind   `json:"kind"`
	Missing  int    `json:"missing"`  // rows without a value
	Distinct int    `json:"distinct"` // different values; of a numeric column they are counted up to 1,000
}

const countTo = 1000 // distinct numbers

// column holds the cells of a column while and after a table is read. It counts
// as numeric until its first text: where that comes after numbers, the column is
// late, and the table has to be read once more, with text set.
type column struct {
	name    string
	text    bool
	late    bool
	num     []float64 // numeric: one a row, NaN where missing
	code    []int32   // categorical: one a row, an index into levels, -1 where missing
	levels  []string  // in order of appearance
	missing int
	words   *hashed // text, whose words are hashed: code and levels are of whole texts; nil if it is none
	line    int     // line of the first text
	cell    string  // the first text

	index   map[string]int32     // of levels
	numbers map[float64]struct{} // distinct ones, up to countTo
}

// add appends a cell that stands in a line of the file.
func (c *column) add(cell string, line int) {
	if c.late {
		return
	}
	cell = strings.TrimSpace(cell)
	if missing(cell) {
		c.addMissing()
		return
	}
	if !c.text {
		if x, ok := number(cell); ok {
			c.addNumber(x)
			return
		}
		if len(c.numbers) > 0 {
			c.late, c.num, c.numbers = true, nil, nil
			return
		}
		c.text, c.num = true, nil // only missing values so far
		for range c.missing {
			c.code = append(c.code, -1)
		}
	}
	c.addText(cell, line)
}

func (c *column) addMissing() {
	c.missing++
	if c.text || c.words != nil {
		c.code = append(c.code, -1)
	} else {
		c.num = append(c.num, math.NaN())
	}
}

// addValue appends a number, NaN for a missing one; ok is false if it is too large.
func (c *column) addValue(x float64) (ok bool) {
	switch {
	case math.IsNaN(x):
		c.addMissing()
	case math.Abs(x) > math.MaxFloat32:
		return false
	default:
		c.addNumber(x)
	}
	return true
}

func (c *column) addNumber(x float64) {
	x += 0 // no negative zero
	c.num = append(c.num, x)
	if len(c.numbers) < countTo {
		if c.numbers == nil {
			c.numbers = map[float64]struct{}{}
		}
		c.numbers[x] = struct{}{}
	}
}

// addBytes appends text of a file whose columns have types; empty text is missing.
func (c *column) addBytes(b []byte) {
	if k, ok := c.index[string(b)]; ok { // does not allocate
		c.code = append(c.code, k)
		return
	}
	if len(b) == 0 {
		c.addMissing()
		return
	}
	c.addText(string(b), 0)
}

func (c *column) addText(cell string, line int) {
	k, ok := c.index[cell]
	if !ok {
		if c.index == nil {
			c.index = map[string]int32{}
		}
		cell = strings.Clone(cell) // it is part of a whole line
		k = int32(len(c.levels))
		c.index[cell] = k
		c.levels = append(c.levels, decode(cell))
	}
	if c.cell == "" {
		if _, ok := number(cell); !ok || line == 0 {
			c.line, c.cell = line, c.levels[k]
		}
	}
	c.code = append(c.code, k)
}

// distinct is the number of different values, up to countTo of numbers.
func (c *column) distinct() int {
	if c.text || c.words != nil {
		return len(c.levels)
	}
	return len(c.numbers)
}

// count finds how many levels (none if numeric) and missing values some rows have.
func (c *column) count(rows []int) (levels, absent int) {
	seen := make([]bool, len(c.levels))
	for _, row := range rows {
		switch {
		case c.words != nil:
			if c.code[row] < 0 {
				absent++
			}
		case !c.text:
			if math.IsNaN(c.num[row]) {
				absent++
			}
		case c.code[row] < 0:
			absent++
		case !seen[c.code[row]]:
			seen[c.code[row]] = true
			levels++
		}
	}
	return levels, absent
}

func (c *column) info() Column {
	kind := Numeric
	if c.text {
		kind = Categorical
	}
	if c.words != nil {
		kind = KindWords
	}
	return Column{Name: c.name, Kind: kind, Missing: c.missing, Distinct: c.distinct()}
}

func missing(cell string) bool {
	switch cell {
	case "", "?", "NA", "NaN", "nan":
		return true
	}
	return false
}

// number reads a decimal number within the range of float32.
func number(cell string) (float64, bool) {
	for i := range len(cell) {
		switch b := cell[i]; {
		case '0' <= b && b <= '9', b == '.', b == '-', b == '+', b == 'e', b == 'E':
		default:
			return 0, false // also what ParseFloat takes, but a table does not mean: inf, 0x1p4
		}
	}
	x, err := strconv.ParseFloat(cell, 64)
	return x, err == nil && math.Abs(x) <= math.MaxFloat32
}

// decode reads text that is not UTF-8 as Latin-1, so that it can be printed.
func decode(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	r := make([]rune, len(s))
	for i := range len(s) {
		r[i] = rune(s[i])
	}
	return string(r)
}
