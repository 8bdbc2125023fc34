package data

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Split says how the rows are divided; what is left is for training. In
// classification each part has its share of every class. It depends on the seed
// and the file alone.
type Split struct {
	Valid float64 `json:"valid,omitempty" yaml:"valid,omitempty"` // share of the rows, in (0,1); 0 means 0.2
	Test  float64 `json:"test,omitempty" yaml:"test,omitempty"`   // likewise; 0 means 0.2
	Seed  uint64  `json:"seed,omitempty" yaml:"seed,omitempty"`
}

func (s Split) shares() (valid, test float64) {
	valid, test = s.Valid, s.Test
	if valid == 0 {
		valid = 0.2
	}
	if test == 0 {
		test = 0.2
	}
	return valid, test
}

func (s Split) check() *Error {
	valid, test := s.shares()
	switch {
	case !(valid > 0 && valid < 1):
		return fault("split.valid", "%v is no share of the rows; give a number above 0 and below 1", valid)
	case !(test > 0 && test < 1):
		return fault("split.test", "%v is no share of the rows; give a number above 0 and below 1", test)
	case valid+test >= 1:
		return fault("split", "valid %v and test %v leave nothing for training", valid, test)
	}
	return nil
}

// parts are row numbers.
type parts struct{ train, valid, test []int }

// rand is the source of randomness of a split.
func (s Split) rand() *rand.Rand {
	const stream = 0x73706c6974 // "split": no epoch or trial has this number
	return rand.New(rand.NewPCG(s.Seed, stream))
}

// draw picks n of the rows at random (0: all of them), in random order.
func draw(r *rand.Rand, rows []int, n int) []int {
	out := make([]int, len(rows))
	for i, j := range r.Perm(len(rows)) {
		out[i] = rows[j]
	}
	if n > 0 && n < len(out) {
		out = out[:n]
	}
	return out
}

// divide deals rows, which come in random order, to the parts. class gives a
// row's class and is nil for regression. The parts have their exact shares
// (rounded) in total, because what rounding takes from one class the next one
// gets; a class keeps at least one row for training. Each part is in random order.
func divide(r *rand.Rand, rows []int, class []int32, classes int, valid, test float64) parts {
	groups := [][]int{rows}
	if class != nil {
		groups = make([][]int, classes)
		for _, row := range rows {
			groups[class[row]] = append(groups[class[row]], row)
		}
	}
	var p parts
	seen := 0
	for _, g := range groups {
		if len(g) == 0 {
			continue
		}
		seen += len(g)
		due := func(share float64, have, room int) int {
			return min(max(int(math.Round(share*float64(seen)))-have, 0), room)
		}
		v := due(valid, len(p.valid), len(g)-1)
		t := due(test, len(p.test), len(g)-1-v)
		p.valid = append(p.valid, g[:v]...)
		p.test = append(p.test, g[v:v+t]...)
		p.train = append(p.train, g[v+t:]...)
	}
	for _, part := range [][]int{p.train, p.valid, p.test} {
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	return p
}

// deal draws rows (see draw) and divides them. With test files, whose rows are
// those from own on, the test part are rows of theirs.
func (s Split) deal(rows []int, own, keep int, class []int32, classes int, testFiles bool) parts {
	valid, test := s.shares()
	if testFiles {
		test = 0
	}
	r := s.rand()
	cut, _ := slices.BinarySearch(rows, own)
	p := divide(r, draw(r, rows[:cut], keep), class, classes, valid, test)
	if testFiles {
		p.test = draw(r, rows[cut:], keep)
	}
	return p
}

// check tells whether a part is empty.
func (p parts) check() *Error {
	if len(p.train) > 0 && len(p.valid) > 0 && len(p.test) > 0 {
		return nil
	}
	return fault("split", "%d rows give %d for training, %d for validation and %d for the test; each needs at least one, so raise its share or use more rows",
		len(p.train)+len(p.valid)+len(p.test), len(p.train), len(p.valid), len(p.test))
}
