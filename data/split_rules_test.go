package data

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Every setting at its limits.
func TestLimitsOfSplits(t *testing.T) {
	for _, c := range []struct {
		s    Split
		want string // key: beginning of the message; "": it is right
	}{
		{Split{}, ""}, {Split{Valid: .001, Test: .998}, ""}, {Split{Valid: .5, Test: .499}, ""}, {Split{Valid: .5, Test: .5}, "split: valid 0.5 and test 0.5 leave nothing"}, {Split{Valid: .8}, "split: valid 0.8 and test 0.2"},
		{Split{Test: .8}, "split: valid 0.2 and test 0.8"}, {Split{Valid: -.1}, "split.valid: -0.1"}, {Split{Valid: 1}, "split.valid: 1 is not a share"}, {Split{Test: -.1}, "split.test: -0.1"}, {Split{Test: 1}, "split.test: 1 is not a share"},
		{Split{Test: math.NaN()}, "split.test: NaN"}, {Split{CV: 2}, ""}, {Split{CV: 20}, ""}, {Split{CV: 21}, "split.cv: 21 is outside 2 … 20"}, {Split{CV: 1}, "split.cv: 1 is outside"}, {Split{CV: -1}, "split.cv: -1 is outside"},
		{Split{CV: 5, Valid: .1}, "split.cv: leave out valid"}, {Split{CV: 5, Folds: 3}, "split.cv: leave out valid"}, {Split{CV: 5, Fold: 1}, "split.cv: leave out valid"}, {Split{CV: 5, Test: .9}, ""},
		{Split{Folds: 2}, ""}, {Split{Folds: 3, Fold: 2}, ""}, {Split{Folds: 3, Test: .9}, ""}, {Split{Fold: 1}, "split.fold: say how many folds"}, {Split{Folds: -1}, "split.folds: -1 folds"}, {Split{Folds: 1}, "split.folds: 1 folds"},
		{Split{Folds: 3, Valid: .2}, "split.valid: leave it out; the validation part is fold 0 of 3"}, {Split{Folds: 3, Fold: 3}, "split.fold: 3 is outside 0 … 2"}, {Split{Folds: 3, Fold: -1}, "split.fold: -1 is outside 0 … 2"},
	} {
		got := ""
		if err := c.s.check(); err != nil {
			got = err.Key + ": " + err.Err.Error()
		}
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.s, got, c.want)
		}
	}
	if v, x := (Split{}).shares(); v != .2 || x != .2 {
		t.Errorf("%v, %v", v, x)
	}
	if v, x := (Split{Valid: .3, Test: .1}).shares(); v != .3 || x != .1 {
		t.Errorf("%v, %v", v, x)
	}
}

// classed are rows with classes, as many of each as is said.
func classed(n ...int) labels {
	l := labels{names: len(n)}
	for c, k := range n {
		l.class = append(l.class, slices.Repeat([]int32{int32(c)}, k)...)
	}
	return l
}

// sizes counts the rows of a part by class.
func (l labels) sizes(rows []int) []int {
	out := make([]int, l.classes())
	for _, row := range rows {
		out[l.of(row)]++
	}
	return out
}

// Parts have their exact shares in all; what rounding takes from one class the next
// one gets; a class keeps a row for training.
func TestDivideByHand(t *testing.T) {
	for _, c := range []struct {
		n                  []int
		valid, test        float64
		wantValid, wantTst []int
	}{
		{[]int{10, 10}, .2, .3, []int{2, 2}, []int{3, 3}},
		{[]int{3, 3, 3, 3}, .2, .2, []int{1, 0, 1, 0}, []int{1, 0, 1, 0}}, // .6, 1.2, 1.8, 2.4
		{[]int{1, 1, 1}, .3, .3, []int{0, 0, 0}, []int{0, 0, 0}},
		{[]int{2, 2}, .4, .4, []int{1, 1}, []int{0, 0}},
		{[]int{1, 9}, .5, .1, []int{0, 5}, []int{0, 1}},
		{[]int{0, 5, 0, 5}, .2, .2, []int{0, 1, 0, 1}, []int{0, 1, 0, 1}},
	} {
		l := classed(c.n...)
		p := divide(Split{}.rand(), count(len(l.class)), l, c.valid, c.test)
		if !slices.Equal(l.sizes(p.valid), c.wantValid) || !slices.Equal(l.sizes(p.test), c.wantTst) || len(p.train)+len(p.valid)+len(p.test) != len(l.class) {
			t.Errorf("%v: %v for validation and %v for the test, want %v and %v", c.n, l.sizes(p.valid), l.sizes(p.test), c.wantValid, c.wantTst)
		}
	}
	p := divide(Split{}.rand(), count(10), labels{}, .25, .15) // a number: one class
	if len(p.valid) != 3 || len(p.test) != 2 || len(p.train) != 5 {
		t.Errorf("%v", p)
	}
	if slices.IsSorted(p.train) && slices.IsSorted(p.valid) && slices.IsSorted(p.test) {
		t.Errorf("%v is not shuffled", p)
	}
	large := divide(Split{}.rand(), count(1000), labels{}, .3, .3)
	for _, part := range [][]int{large.train, large.valid, large.test} {
		if slices.IsSorted(part) {
			t.Error("a part is not shuffled")
		}
	}
}

func TestDrawSome(t *testing.T) {
	rows := []int{5, 6, 7, 8, 9, 10, 11, 12}
	for n, want := range map[int]int{0: 8, 3: 3, 7: 7, 8: 8, 9: 8, 1: 1} {
		got := draw(Split{Seed: 3}.rand(), rows, n)
		all := slices.Clone(got)
		slices.Sort(all)
		if len(got) != want || len(slices.Compact(all)) != want || !slices.Contains(rows, all[0]) || !slices.Contains(rows, all[len(all)-1]) {
			t.Errorf("%d of 8: %v", n, got)
		}
	}
	if slices.Equal(draw(Split{Seed: 3}.rand(), rows, 0), rows) {
		t.Error("not in random order")
	}
	if slices.Equal(draw(Split{Seed: 3}.rand(), rows, 0), draw(Split{Seed: 4}.rand(), rows, 0)) {
		t.Error("two seeds, one order")
	}
}

// Own test files are the test part, as many rows of it as of the others; folds leave
// the test part alone.
func TestDealWithTestFiles(t *testing.T) {
	rows := count(40) // the last ten are those of the test files
	p := Split{Valid: .2}.deal(rows, 30, 0, labels{}, nil, true)
	if len(p.train) != 24 || len(p.valid) != 6 || len(p.test) != 10 || slices.Min(p.test) != 30 || slices.Max(p.train) > 29 {
		t.Errorf("%+v", p)
	}
	if p = (Split{Valid: .2}).deal(rows, 30, 5, labels{}, nil, true); len(p.train) != 4 || len(p.valid) != 1 || len(p.test) != 5 {
		t.Errorf("%+v", p)
	}
	p = Split{Valid: .2, Test: .1}.deal(rows[:30], 30, 0, labels{}, nil, false)
	if len(p.train) != 21 || len(p.valid) != 6 || len(p.test) != 3 {
		t.Errorf("%+v", p)
	}
	all := map[int]int{}
	for fold := range 3 {
		q := Split{Folds: 3, Fold: fold, Test: .2}.deal(rows[:30], 30, 0, labels{}, nil, false)
		if len(q.test) != 6 || len(q.valid) != 8 || len(q.train) != 16 || q.fold != nil {
			t.Errorf("fold %d: %+v", fold, q)
		}
		for _, row := range q.valid {
			all[row]++
		}
	}
	for row, n := range all {
		if n != 1 {
			t.Errorf("row %d is validated %d times", row, n)
		}
	}
	q := Split{CV: 4, Test: .2}.deal(rows[:30], 30, 0, labels{}, nil, false)
	if len(q.train) != 24 || len(q.valid) != 0 || len(q.fold) != 24 || len(q.test) != 6 || slices.Max(q.fold) != 3 {
		t.Errorf("%+v", q)
	}
	// Groups of two, test files or not.
	group := make([]int32, 40)
	for i := range group {
		group[i] = int32(i / 2)
	}
	if p = (Split{Valid: .4}).deal(rows, 30, 0, labels{}, group, true); len(p.train) != 18 || len(p.valid) != 12 || len(p.test) != 10 {
		t.Errorf("%d, %d, %d rows", len(p.train), len(p.valid), len(p.test))
	}
	if p = (Split{Valid: .4, Test: .2}).deal(rows[:30], 30, 0, labels{}, group, false); len(p.train) != 12 || len(p.valid) != 12 || len(p.test) != 6 {
		t.Errorf("%d, %d, %d rows", len(p.train), len(p.valid), len(p.test))
	}
	together := 0 // a part has its groups in random order, too
	for i := 1; i < len(p.train); i++ {
		if group[p.train[i-1]] == group[p.train[i]] {
			together++
		}
	}
	if together == len(p.train)/2 {
		t.Errorf("%v lie by groups", p.train)
	}
}

// Each part needs a row, but with folds the validation part has none of its own.
func TestPartsThatAreEmpty(t *testing.T) {
	one := []int{1}
	for _, c := range []struct {
		p    parts
		want string
	}{
		{parts{one, one, one, nil, false}, ""}, {parts{nil, one, one, nil, false}, "2 rows give 0 for training, 1 for validation and 1 for the test"}, {parts{one, nil, one, nil, false}, "2 rows give 1 for training, 0 for validation and 1"},
		{parts{one, one, nil, nil, false}, "2 rows give 1 for training, 1 for validation and 0"}, {parts{[]int{1, 2}, nil, one, []int{0, 1}, false}, ""}, {parts{[]int{1, 2}, nil, one, []int{0, 0}, false}, "3 rows give 2"},
		{parts{[]int{1, 2}, nil, nil, []int{0, 1}, false}, "2 rows give 2"},
		{parts{one, one, nil, nil, true}, ""}, {parts{one, nil, nil, nil, true}, "1 rows give 1 for training, 0 for validation"}, {parts{[]int{1, 2}, nil, nil, []int{0, 1}, true}, ""},
	} {
		got := ""
		if err := c.p.check(); err != nil {
			got = err.Err.Error()
		}
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: %q, want %q", c.p, got, c.want)
		}
	}
}

// Rows of a class go to the folds in turn, and the next class goes on where the last
// one ended.
func TestFoldsInTurn(t *testing.T) {
	l := classed(4, 3)
	if got := folds([]int{6, 0, 1, 5, 2, 3, 4}, l, nil, 3); !slices.Equal(got, []int{1, 0, 1, 2, 2, 0, 0}) {
		t.Errorf("%v", got)
	}
	if got := folds([]int{3, 1, 2}, labels{}, nil, 2); !slices.Equal(got, []int{0, 1, 0}) {
		t.Errorf("%v", got)
	}
	// Groups: the largest first, each into the fold that lacks most; the first of equal ones.
	if got := folds(count(6), labels{}, []int32{7, 8, 8, 8, 9, 9}, 2); !slices.Equal(got, []int{1, 0, 0, 0, 1, 1}) {
		t.Errorf("%v", got)
	}
}

// A group goes where most of what it has is lacking, by class.
func TestGroupsGoWhereTheyLack(t *testing.T) {
	l := labels{[]int32{0, 0, 1, 1, 0, 1}, 2}
	group := []int32{0, 0, 1, 1, 2, 3}
	by := dealGroups(count(6), l, group, []float64{.5, .5})
	// t: group 0 (two of class 0) and 1 (two of class 1) are the largest; then the singles go to what lacks their class.
	if len(by[0])+len(by[1]) != 6 || !slices.Contains(by[0], 0) || !slices.Contains(by[0], 2) || !slices.Contains(by[1], 4) || !slices.Contains(by[1], 5) {
		t.Errorf("%v", by)
	}
	by = dealGroups(count(4), labels{}, []int32{0, 0, 1, 1}, []float64{0, 1, -.1})
	if len(by[0]) != 0 || len(by[2]) != 0 || len(by[1]) != 4 {
		t.Errorf("%v: a part without a share has no rows", by)
	}
	by = dealGroups(count(10), labels{}, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []float64{.5, .3, .2})
	if len(by[0]) != 5 || len(by[1]) != 3 || len(by[2]) != 2 {
		t.Errorf("%v", by)
	}
}

// Values of a column are groups, and a missing one is a group of its own.
func TestGroupsOfColumns(t *testing.T) {
	if (*column)(nil).groups() != nil {
		t.Error("groups of no column")
	}
	text := &column{text: true, levels: []string{"a", "b"}, code: []int32{1, -1, 0, -1, 1}}
	if got := text.groups(); !slices.Equal(got, []int32{1, 2, 0, 3, 1}) || text.code[1] != -1 {
		t.Errorf("%v, and the column has %v", got, text.code)
	}
	nan := math.NaN()
	number := &column{num: []float64{3, nan, 4, 3, nan, 4}}
	if got := number.groups(); !slices.Equal(got, []int32{0, 1, 2, 0, 3, 2}) {
		t.Errorf("%v", got)
	}
}

// Folds of a set are its rows; a fold without rows is none.
func TestFoldsOfASet(t *testing.T) {
	s := &Set{Shape: Shape{1}, X: []float32{0, 1, 2, 3, 4}, Target: []float32{0, 1, 2, 3, 4}, Outputs: 1}
	if foldsOf(s, nil) != nil {
		t.Error("folds without folds")
	}
	got := foldsOf(s, []int{0, 3, 1, 0, 3}) // none in fold 2
	want := [][2][]float32{{{1, 2, 4}, {0, 3}}, {{0, 1, 3, 4}, {2}}, {{0, 2, 3}, {1, 4}}}
	if len(got) != 3 {
		t.Fatalf("%d folds", len(got))
	}
	for i, f := range got {
		if !slices.Equal(f.Train.X, want[i][0]) || !slices.Equal(f.Valid.X, want[i][1]) {
			t.Errorf("fold %d: %v and %v", i, f.Train.X, f.Valid.X)
		}
	}
	if got := foldsOf(s, []int{0, 0, 0, 0, 0}); len(got) != 0 {
		t.Errorf("%d folds of one", len(got))
	}
}

func TestBalancedWeightsByHand(t *testing.T) {
	s := &Set{Class: []int32{0, 0, 0, 2}, Classes: 3}
	if got := s.BalancedWeights(); !slices.Equal(got, []float32{4. / 9, 0, 4. / 3}) {
		t.Errorf("%v", got)
	}
}

// An order is one of all rows, another one in each epoch and for each seed, and the
// same whenever it is asked for.
func TestOrders(t *testing.T) {
	a := Order(1, 2, 50)
	all := slices.Clone(a)
	slices.Sort(all)
	if !slices.Equal(all, count(50)) || !slices.Equal(a, Order(1, 2, 50)) || slices.Equal(a, Order(1, 3, 50)) || slices.Equal(a, Order(2, 2, 50)) {
		t.Error(a)
	}
}
