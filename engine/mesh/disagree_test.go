package mesh

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// Where one member makes another call than the rest, all of them learn of both.
func TestMembersThatDisagreeAreToldSo(t *testing.T) {
	x := func(n int) [][]float32 { return [][]float32{make([]float32, n)} }
	type call func(g, other *Group) error
	calls := map[string]call{
		"AllReduce":          func(g, _ *Group) error { return g.AllReduce(x(100)) },
		"AllReduce of more":  func(g, _ *Group) error { return g.AllReduce(x(101)) },
		"ReduceScatter":      func(g, _ *Group) error { return g.ReduceScatter(x(100)) },
		"AllGather":          func(g, _ *Group) error { return g.AllGather(x(100)[0]) },
		"Broadcast":          func(g, _ *Group) error { return g.Broadcast(0, make([]byte, 8)) },
		"Broadcast from 1":   func(g, _ *Group) error { return g.Broadcast(1, make([]byte, 8)) },
		"Barrier":            func(g, _ *Group) error { return g.Barrier() },
		"And":                func(g, _ *Group) error { _, err := g.And(true); return err },
		"Sum64":              func(g, _ *Group) error { return g.Sum64([][]float64{make([]float64, 3)}) },
		"another group":      func(_, other *Group) error { return other.Barrier() },
		"one call too early": func(g, _ *Group) error { g.calls++; return g.Barrier() },
	}
	for _, kind := range linkKinds {
		for a, callA := range calls {
			for b, callB := range calls {
				if a >= b || kind != "lanes" && (len(a)+len(b))%3 > 0 && testing.Short() {
					continue
				}
				ls := links(t, kind, 3, quick)
				errs := each(t, ls, func(i int, l Link) error {
					g, err := NewGroup(l, Members{Ranks: upTo(3), Name: "one"})
					if err != nil {
						return err
					}
					other, err := NewGroup(l, Members{Ranks: upTo(3), Name: "two"})
					if err != nil {
						return err
					}
					if err := g.Barrier(); err != nil {
						return err
					}
					if i == 1 {
						return callA(g, other)
					}
					if err := callB(g, other); err != nil {
						return err
					}
					return g.Barrier() // ranks 0 and 2 may not have needed rank 1 for that
				})
				for rank, err := range errs {
					var d ErrDisagree
					if !errors.As(err, &d) || !slices.Contains(d.Ranks[:], 1) || d.Calls[0] == d.Calls[1] {
						t.Errorf("%s: rank 1 calls %s, the others %s: rank %d: %v", kind, a, b, rank, err)
					}
				}
				closeAll(ls)
			}
		}
	}
}

func TestErrDisagreeNamesBothRanksAndCalls(t *testing.T) {
	err := ErrDisagree{Ranks: [2]int{0, 3}, Calls: [2]Mark{{Tag: 1, Call: 12, Kind: AllReduce, Size: 4096}, {Tag: 1, Call: 12, Kind: Broadcast, Root: 2, Size: 8}}}
	for _, part := range []string{"rank 0 is at AllReduce, call 12 of 4096 bytes", "rank 3 at Broadcast, call 12 of 8 bytes from member 2"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
}

// Sums that do not fit the group are an error for all, not a wait for the others.
func TestACallThatCannotBeMadeEndsAll(t *testing.T) {
	for _, kind := range linkKinds {
		ls := links(t, kind, 2, quick)
		errs := each(t, ls, func(i int, l Link) error {
			g, err := NewGroup(l, Members{Ranks: upTo(2), Leaves: []int{3, 1}, Name: "all"})
			if err != nil {
				return err
			}
			return g.AllReduce([][]float32{make([]float32, 4)}) // rank 0 holds two trees
		})
		for rank, err := range errs {
			if err == nil || !strings.Contains(err.Error(), "1 sums, but the member holds the 2 trees [{0 2} {2 3}]") {
				t.Errorf("%s: rank %d: %v", kind, rank, err)
			}
		}
	}
}

func TestGroupsThatCannotBe(t *testing.T) {
	l := Local(2)[0]
	for want, m := range map[string]Members{
		"is not among":      {Ranks: []int{1}},
		"a rank twice":      {Ranks: []int{0, 1, 1}},
		"at least one":      {Ranks: []int{0, 1}, Leaves: []int{2, 0}},
		"there are 8":       {Ranks: []int{0, 1}, Stream: 8},
		"has 2 members and": {Ranks: []int{0, 1}, Leaves: []int{1}},
	} {
		if _, err := NewGroup(l, m); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if _, err := NewGroup(l, Members{Ranks: upTo(2), Name: "a"}); err != nil {
		t.Error(err)
	}
	if _, err := NewGroup(l, Members{Ranks: upTo(2), Name: "a"}); err == nil {
		t.Error("a group can be made twice")
	}
}
