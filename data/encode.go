package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

const maxLevels = 64 // columns of 0 and 1 made of one categorical column

// MaxScore bounds what standardising makes of a number, to ±MaxScore: a freak
// value outside the training rows must not overflow float32.
const MaxScore = 1e6

// encoder turns rows of a table into rows of numbers. It was fitted to the
// training rows.
type encoder struct {
	shape   Shape
	columns []encoding
	pixels  *pixels // instead of columns
}

// encoding is one column of the table in the encoded row.
type encoding struct {
	*column
	at      int       // where its values begin
	number  transform // numeric
	slots   []int     // categorical: where each level puts its 1, -1 for nowhere
	other   int       // categorical: where a level that was never seen puts its 1, -1 for nowhere
	missing int       // where a missing value puts its 1, -1 for nowhere

	idf   []float32    // text: of its places
	coder *targetCoder // categorical: nil means columns of 0 and 1
	means [][]float32  // of the coder; from at on
}

// fit lays out the encoded row and measures the training rows. coder is nil
// without target encoding.
func fit(columns []*column, train []int, image Shape, numeric Encoding, coder *targetCoder) (*encoder, error) {
	if len(columns) == 0 {
		return nil, fault("", "there is no column to learn from beside the target")
	}
	if len(image) > 0 {
		if numeric != "" {
			return nil, numeric.check(true)
		}
		return fitImage(columns, train, image)
	}
	e := &encoder{}
	width := 0
	for _, c := range columns {
		f := encoding{column: c, at: width, other: -1, missing: -1}
		absent := 0
		if coder.takes(c) {
			f.coder, f.means = coder, coder.fit(c, train)
			width += coder.outputs
		} else if c.words != nil {
			f.idf = c.words.idf(c.code, train)
			width += c.words.width
		} else if c.text {
			absent, width = f.fitLevels(train, width)
		} else {
			f.number = numeric.fit(c.num, train)
			_, absent = c.count(train)
			width += f.number.width()
		}
		if absent > 0 && absent < len(train) {
			f.missing = width
			width++
		}
		e.columns = append(e.columns, f)
	}
	e.shape = Shape{width}
	return e, nil
}

// fitImage takes the columns for the values of an image, row by row.
func fitImage(columns []*column, train []int, image Shape) (*encoder, error) {
	if image.Size() != len(columns) {
		return nil, imageFault(image, len(columns))
	}
	e := &encoder{shape: slices.Clone(image)}
	var m moments
	for i, c := range columns {
		if c.text || c.words != nil {
			return nil, &Error{Key: "image", Line: c.line, Column: c.name, Err: fmt.Errorf("%s is not a number, so the columns are not an image", quote(c.cell))}
		}
		m.add(c.num, train)
		e.columns = append(e.columns, encoding{column: c, at: i, missing: -1})
	}
	for i := range e.columns {
		e.columns[i].number = standard{m.mean(), m.scale()}
	}
	return e, nil
}

func imageFault(image Shape, columns int) *Error {
	return &Error{Key: "image", Err: fmt.Errorf("%v are %d values, but there are %d columns beside the target", image, image.Size(), columns)}
}

// fitLevels gives the levels seen in the training rows their places from width
// on, by name. It returns how many values were missing, and the next free place.
func (f *encoding) fitLevels(train []int, width int) (absent, next int) {
	count := make([]int, len(f.levels))
	for _, i := range train {
		if k := f.code[i]; k >= 0 {
			count[k]++
		} else {
			absent++
		}
	}
	var seen []int
	f.slots = make([]int, len(f.levels))
	for k, n := range count {
		f.slots[k] = -1
		if n > 0 {
			seen = append(seen, k)
		}
	}
	byName := func(a, b int) int { return strings.Compare(f.levels[a], f.levels[b]) }
	own, other := seen, false
	if len(seen) > maxLevels {
		slices.SortFunc(seen, func(a, b int) int {
			if count[a] != count[b] {
				return count[b] - count[a]
			}
			return byName(a, b)
		})
		own, other = seen[:maxLevels-1], true
		f.other = width + maxLevels - 1 // the last one
		for k := range f.slots {
			f.slots[k] = f.other
		}
	}
	slices.SortFunc(own, byName)
	for i, k := range own {
		f.slots[k] = width + i
	}
	width += len(own)
	if other {
		width++
	}
	return absent, width
}

// set encodes rows, in their order, into a set without targets.
func (e *encoder) set(rows []int) *Set {
	w := e.shape.Size()
	x := make([]float32, len(rows)*w)
	for i, row := range rows {
		out := x[i*w : (i+1)*w]
		if e.pixels != nil {
			e.pixels.put(out, row)
			continue
		}
		for j := range e.columns {
			e.columns[j].put(out, row)
		}
	}
	return &Set{Shape: e.shape, X: x}
}

func (f *encoding) put(out []float32, row int) {
	slot := f.missing
	if f.coder != nil {
		f.coder.put(out[f.at:], f.column, f.means, row)
		return
	}
	if f.words != nil {
		f.words.put(out[f.at:], f.code[row], f.idf)
		return
	}
	if f.text {
		if k := f.code[row]; k >= 0 {
			slot = f.slots[k]
		}
	} else if v := f.num[row]; !math.IsNaN(v) {
		f.number.put(out[f.at:], v)
		return
	}
	if slot >= 0 {
		out[slot] = 1
	}
}

// score standardises a value.
func score(v, mean, scale float64) float32 {
	return float32(min(max((v-mean)*scale, -MaxScore), MaxScore))
}

// numeric is where numeric columns begin in an encoded row.
func (e *encoder) numeric() []int {
	if e.pixels != nil {
		return count(e.shape.Size())
	}
	var at []int
	for _, f := range e.columns {
		if !f.text && f.words == nil {
			at = append(at, f.at)
		}
	}
	return at
}
