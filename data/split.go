package data

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Split says how the rows are divided; what is left is for training. In
// classification each part has its share of every class. It depends on the seed
// and the file alone.
//
// With Folds, the rows that are not of the test part fall into so many folds of
// equal size, and fold number Fold is the validation part: k-fold
// cross-validation is k sources that differ in Fold alone. CV is all of them at
// once: every trial trains a network for each fold, see [Data.Folds].
type Split struct {
	Valid float64 `json:"valid,omitempty" yaml:"valid,omitempty"` // share of the rows, in (0,1); 0 means 0.2
	Test  float64 `json:"test,omitempty" yaml:"test,omitempty"`   // likewise; 0 means 0.2
	Seed  uint64  `json:"seed,omitempty" yaml:"seed,omitempty"`
	Folds int     `json:"folds,omitempty" yaml:"folds,omitempty"` // 0 means none
	Fold  int     `json:"fold,omitempty" yaml:"fold,omitempty"`   // 0 ≤ Fold < Folds
	CV    int     `json:"cv,omitempty" yaml:"cv,omitempty"`       // cross-validation over so many folds; 0 means none
	Group string  `json:"group,omitempty" yaml:"group,omitempty"` // tables: rows with the same value in this column, which is no input, come into the same part

	Time   string `json:"time,omitempty" yaml:"time,omitempty"` // tables: in the order of this column, the first rows are for training, then come validation and test; its parts stay inputs, not the time itself
	NoTest bool   `json:"no_test,omitempty" yaml:"-"`           // there is no test part; study files write test: 0
}

func (s Split) shares() (valid, test float64) {
	valid, test = s.Valid, s.Test
	if valid == 0 {
		valid = 0.2
	}
	if test == 0 && !s.NoTest {
		test = 0.2
	}
	return valid, test
}

func (s Split) check() *Error {
	valid, test := s.shares()
	switch {
	case !(valid > 0 && valid < 1):
		return fault("split.valid", "%v is not a share of the rows; give a number above 0 and below 1", valid)
	case !(test > 0 && test < 1) && !(s.NoTest && test == 0):
		return fault("split.test", "%v is not a share of the rows; give a number above 0 and below 1", test)
	case s.CV != 0 && (s.Folds != 0 || s.Fold != 0 || s.Valid != 0):
		return fault("split.cv", "leave out valid, folds and fold; each of the %d folds is the validation part in turn", s.CV)
	case s.CV < 0 || s.CV == 1 || s.CV > maxCV:
		return fault("split.cv", "%d is outside 2 … %d", s.CV, maxCV)
	case s.Folds == 0 && s.CV == 0 && valid+test >= 1:
		return fault("split", "valid %v and test %v leave nothing for training", valid, test)
	case s.Folds == 0 && s.Fold != 0:
		return fault("split.fold", "say how many folds there are: folds")
	case s.Folds < 0 || s.Folds == 1:
		return fault("split.folds", "%d folds leave nothing for training; give 2 or more", s.Folds)
	case s.Time != "" && (s.Folds != 0 || s.CV != 0 || s.Group != ""):
		return fault("split.time", "leave out cv, folds, fold and group; the rows are divided by time")
	case s.Folds > 0 && s.Valid != 0:
		return fault("split.valid", "leave it out; the validation part is fold %d of %d", s.Fold, s.Folds)
	case s.Folds > 0 && (s.Fold < 0 || s.Fold >= s.Folds):
		return fault("split.fold", "%d is outside 0 … %d", s.Fold, s.Folds-1)
	}
	return nil
}

// maxCV is how many networks a trial may train.
const maxCV = 20

// parts are row numbers.
type parts struct {
	train, valid, test []int
	fold               []int // with CV: of each row of train; valid is empty
	noTest             bool  // test is empty because the split says so
}

// labels are the classes of rows; class is nil for regression.
type labels struct {
	class []int32
	names int // number of classes
}

// of is the class of a row, 0 for regression.
func (l labels) of(row int) int {
	if l.class == nil {
		return 0
	}
	return int(l.class[row])
}

func (l labels) classes() int {
	if l.class == nil {
		return 1
	}
	return l.names
}

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

// divide deals rows, which come in random order, to the parts. The parts have their exact shares
// (rounded) in total, because what rounding takes from one class the next one
// gets; a class keeps at least one row for training. Each part is in random order.
func divide(r *rand.Rand, rows []int, l labels, valid, test float64) parts {
	var p parts
	seen := 0
	for _, g := range l.sort(rows) {
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
	p.shuffle(r)
	return p
}

func (p parts) shuffle(r *rand.Rand) {
	for _, part := range [][]int{p.train, p.valid, p.test} {
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
}

// sort sorts rows by class.
func (l labels) sort(rows []int) [][]int {
	if l.class == nil {
		return [][]int{rows}
	}
	out := make([][]int, l.names)
	for _, row := range rows {
		out[l.class[row]] = append(out[l.class[row]], row)
	}
	return out
}

// deal draws rows (see draw) and divides them. With test files, whose rows are
// those from own on, the test part are rows of theirs. group may be nil.
func (s Split) deal(rows []int, own, keep int, l labels, group []int32, testFiles bool) parts {
	valid, test := s.shares()
	if testFiles {
		test = 0
	}
	if s.Folds > 0 || s.CV > 0 {
		valid = 0
	}
	r := s.rand()
	cut, _ := slices.BinarySearch(rows, own)
	drawn := draw(r, rows[:cut], keep)
	var p parts
	if group == nil {
		p = divide(r, drawn, l, valid, test)
	} else {
		by := dealGroups(drawn, l, group, []float64{1 - valid - test, valid, test})
		p = parts{train: by[0], valid: by[1], test: by[2]}
		p.shuffle(r)
	}
	if s.Folds > 0 {
		rest := p.train
		p.train = nil
		for i, fold := range folds(rest, l, group, s.Folds) {
			if fold == s.Fold {
				p.valid = append(p.valid, rest[i])
			} else {
				p.train = append(p.train, rest[i])
			}
		}
	}
	if s.CV > 0 {
		p.fold = folds(p.train, l, group, s.CV)
	}
	if testFiles {
		p.test = draw(r, rows[cut:], keep)
	}
	p.noTest = s.NoTest
	return p
}

// check reports whether a part is empty that should not be.
func (p parts) check() *Error {
	tested := len(p.test) > 0 || p.noTest
	if len(p.fold) > 0 && slices.Max(p.fold) > 0 && tested {
		return nil // the folds are for validation, too
	}
	if len(p.train) > 0 && len(p.valid) > 0 && tested {
		return nil
	}
	return fault("split", "%d rows give %d for training, %d for validation and %d for the test; each needs at least one, so raise its share or use more rows",
		len(p.train)+len(p.valid)+len(p.test), len(p.train), len(p.valid), len(p.test))
}
