package mesh

import (
	"fmt"
	"slices"
	"testing"
)

// formula writes the tree over leaves as people do.
func formula(s Span) string {
	if s.To-s.From == 1 {
		return fmt.Sprint(s.From)
	}
	mid := s.From + Split(s.To-s.From)
	return "(" + formula(Span{s.From, mid}) + "+" + formula(Span{mid, s.To}) + ")"
}

func TestTheTreeSplitsAtTheLargestPowerOfTwoBelow(t *testing.T) {
	for n, want := range map[int]string{
		2: "(0+1)",
		3: "((0+1)+2)",
		4: "((0+1)+(2+3))",
		5: "(((0+1)+(2+3))+4)",
		7: "(((0+1)+(2+3))+((4+5)+6))",
	} {
		if got := formula(Span{0, n}); got != want {
			t.Errorf("%d leaves: %s, not %s", n, got, want)
		}
	}
}

// Whoever computes any block of leaves in turn and merges as told ends with the sums
// of its trees, of which there are at most two for each level.
func TestMergesMakeTheTrees(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for from := range n {
			for to := from + 1; to <= n; to++ {
				s := Span{from, to}
				var stack, want []string
				deepest := 0
				for u := from; u < to; u++ {
					stack = append(stack, fmt.Sprint(u))
					deepest = max(deepest, len(stack))
					for range Merges(n, s, u) {
						last := len(stack) - 2
						stack = append(stack[:last], "("+stack[last]+"+"+stack[last+1]+")")
					}
				}
				trees := Trees(n, s)
				for _, tree := range trees {
					want = append(want, formula(tree))
				}
				if !slices.Equal(stack, want) {
					t.Fatalf("leaves %v of %d: %v, not %v", s, n, stack, want)
				}
				if deepest > 12 {
					t.Fatalf("leaves %v of %d: a stack of %d", s, n, deepest)
				}
			}
		}
	}
}

// The additions of every member make the same tree, whichever part the sum goes to.
func TestFoldAddsInTheOrderOfTheTree(t *testing.T) {
	for n := 1; n <= 17; n++ {
		for _, leaves := range placements(n) {
			var parts []Span
			from := 0
			for _, k := range leaves {
				parts = append(parts, Trees(n, Span{from, from + k})...)
				from += k
			}
			for own := range parts {
				sums := make([]Span, len(parts))
				for t0, steps := range fold(Span{To: n}, parts, own) {
					sums[t0] = parts[t0]
					for _, a := range steps {
						left, right := sums[a.dst], sums[a.src]
						if left.From > right.From {
							left, right = right, left
						}
						if left.To != right.From || left.From+Split(right.To-left.From) != left.To {
							t.Fatalf("%d leaves, %v: adds %v and %v", n, leaves, left, right)
						}
						sums[a.dst] = Span{left.From, right.To}
					}
				}
				if sums[own] != (Span{0, n}) {
					t.Fatalf("%d leaves, %v: the sum of %v is in part %d", n, leaves, sums[own], own)
				}
			}
		}
	}
}

func TestPiecesAreCutAtMultiplesOf16(t *testing.T) {
	for _, length := range []int{0, 1, 15, 16, 17, 160, 1000, 1 << 20, 12345} {
		for n := 1; n <= 17; n++ {
			at, least, most := 0, length, 0
			for i := range n {
				from, to := Cut(length, n, i)
				if from != at || to < from || from%grain != 0 && from != length {
					t.Fatalf("%d values in %d: piece %d is %d … %d after %d", length, n, i, from, to, at)
				}
				at, least, most = to, min(least, to-from), max(most, to-from)
			}
			if at != length || most-least > 2*grain {
				t.Fatalf("%d values in %d: pieces end at %d and have %d to %d values", length, n, at, least, most)
			}
		}
	}
}

func TestLinesOfTheMesh(t *testing.T) {
	s := Shape{Data: 4, Tensor: 2, Pipeline: 2}
	for lane := range s.Lanes() {
		if got := s.Lane(s.At(lane)); got != lane {
			t.Errorf("lane %d is at %v, which is lane %d", lane, s.At(lane), got)
		}
	}
	for _, c := range []struct {
		axis  Axis
		at    Coord
		name  string
		lanes []int
	}{
		{Data, Coord{D: 3, T: 1, P: 1}, "data(t1,p1)", []int{9, 11, 13, 15}},
		{Tensor, Coord{D: 2}, "tensor(d2,p0)", []int{4, 5}},
		{Pipeline, Coord{D: 1, T: 1}, "pipeline(d1,t1)", []int{3, 11}},
	} {
		if name, lanes := s.Line(c.axis, c.at); name != c.name || !slices.Equal(lanes, c.lanes) {
			t.Errorf("%v at %v: %s %v", c.axis, c.at, name, lanes)
		}
	}
	// 16 lanes on 3 ranks: blocks of 5, 5 and 6.
	_, line := s.Line(Data, Coord{})
	ranks, leaves := Holders(line, Place(16, 3))
	if !slices.Equal(ranks, []int{0, 1}) || !slices.Equal(leaves, []int{3, 1}) {
		t.Errorf("data(t0,p0) is held by %v with %v leaves", ranks, leaves)
	}
}
