package data

import (
	"math"
	"strings"
)

// cells are the cells of a column as they were read: numbers, or the texts that occur
// in it. Numbers are tried where the beginning of the file has them; if they turn out
// to be few, the column is late, and the table has to be read once more.
type cells struct {
	name string
	at   int // place in the file

	number bool
	style  style     // numbers
	value  []float64 // numbers: one a row, NaN where there is none
	texts            // of numbers: what is none of them, except empty cells; else all that occur
	code   []int32   // texts: one a row, a place in their list, -1 where empty
	empty  int       // empty cells
	styled string    // numbers: the first one that programs would write in another way
	late   bool
	must   bool // numbers: it is known that they are, however few there are

	days  bool // numbers: they are days since 1970, of a file whose columns have types
	truth bool // numbers: they are false and true, likewise

	windows windowsCell
}

// texts are different texts, in the order of appearance.
type texts struct {
	list  []string
	count []int // how often
	line  []int // where first; in a file without lines 0
	index map[string]int32
}

// windowsCell is the first text that is not UTF-8.
type windowsCell struct {
	line int
	text string
}

const mostOdd = 1000 // different texts among numbers, after which a column is read as texts

// see counts a text and returns its place.
func (t *texts) see(cell string, line int, w *windowsCell) int32 {
	k, ok := t.index[cell]
	if !ok {
		if t.index == nil {
			t.index = map[string]int32{}
		}
		cell = strings.Clone(cell) // it is part of a whole line
		text := fromWindows(cell)
		if text != cell && w.line == 0 {
			*w = windowsCell{line, text}
		}
		k = int32(len(t.list))
		t.index[cell] = k
		t.list, t.count, t.line = append(t.list, text), append(t.count, 0), append(t.line, line)
	}
	t.count[k]++
	return k
}

// add appends a cell that stands in a line of the file.
func (c *cells) add(cell string, line int, also *spelt) {
	if c.late {
		return
	}
	if c.number {
		if x, ok := number(cell); ok && (c.style.decimal == '.' || strings.IndexByte(cell, '.') < 0) && !also.numbers[x] {
			c.value = append(c.value, x+0) // no negative zero
			return
		}
	}
	cell = strings.TrimSpace(cell)
	if cell == "" {
		c.empty++
		if c.number {
			c.value = append(c.value, math.NaN())
		} else {
			c.code = append(c.code, -1)
		}
		return
	}
	if !c.number {
		c.code = append(c.code, c.see(cell, line, &c.windows))
		return
	}
	if x, ok := c.style.number(fromWindows(cell)); ok && !also.numbers[x] {
		if c.styled == "" {
			c.styled = fromWindows(strings.Clone(cell))
		}
		c.value = append(c.value, x+0)
		return
	}
	c.see(cell, line, &c.windows)
	c.value = append(c.value, math.NaN())
	if len(c.list) > mostOdd && !c.must {
		c.late, c.value = true, nil
	}
}

// rows is how many cells there are.
func (c *cells) rows() int { return len(c.value) + len(c.code) }
