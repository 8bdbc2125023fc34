package mesh

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// leaf is the vector of leaf u: values of very different sizes, so that the order of
// addition shows in the bits.
func leaf(u, n int) []float32 {
	x := make([]float32, n)
	state := uint32(u*7919 + 1)
	for i := range x {
		state ^= state << 13
		state ^= state >> 17
		state ^= state << 5
		x[i] = math.Float32frombits(state&0x807fffff | (120+state>>24%12)<<23)
	}
	return x
}

// wide is the same in float64.
func wide(u, n int) []float64 {
	out := make([]float64, n)
	for i, v := range leaf(u, n) {
		out[i] = float64(v) / 3
	}
	return out
}

// treeSum is the definition: the sum of leaves of a span of the tree, by recursion.
func treeSum[T float32 | float64](s Span, leaf func(u, n int) []T, n int) []T {
	if s.To-s.From == 1 {
		return leaf(s.From, n)
	}
	mid := s.From + Split(s.To-s.From)
	left, right := treeSum(Span{s.From, mid}, leaf, n), treeSum(Span{mid, s.To}, leaf, n)
	for i := range left {
		left[i] += right[i]
	}
	return left
}

// placements are ways to spread n leaves over members: how many each has.
func placements(n int) (out [][]int) {
	for _, members := range []int{1, 2, 3, 4, 5, 8, n} {
		if members <= n {
			_, leaves := Holders(upTo(n), Place(n, members))
			out = append(out, leaves)
		}
	}
	if n > 3 {
		out = append(out, []int{1, n - 3, 2})
	}
	slices.SortFunc(out, slices.Compare)
	return slices.CompactFunc(out, slices.Equal)
}

func upTo(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Every collective gives the bits of the tree sum in one process, whatever the link
// and wherever the leaves are.
func TestCollectivesGiveTheBitsOfOneProcess(t *testing.T) {
	for _, kind := range linkKinds {
		t.Run(kind, func(t *testing.T) {
			for n := 1; n <= 17; n++ {
				for _, leaves := range placements(n) {
					if testing.Short() && n != 5 && (kind != "lanes" || n > 9) {
						continue
					}
					checkCollectives(t, links(t, kind, len(leaves), nil), leaves)
				}
			}
		})
	}
}

// Large groups of 16 and 32 members with one whole tree each.
func TestPairsGiveTheBitsOfOneProcess(t *testing.T) {
	for _, members := range []int{16, 32} {
		for _, each := range []int{1, 2} {
			checkCollectives(t, links(t, "messages", members, nil), slices.Repeat([]int{each}, members))
		}
	}
	checkCollectives(t, links(t, "unix", 16, nil), slices.Repeat([]int{4}, 16))
}

// uneven cuts anywhere: pieces grow, and the first ones may be empty.
func uneven(length, n, i int) (from, to int) {
	return length * i * i / (n * n), length * (i + 1) * (i + 1) / (n * n)
}

func checkCollectives(t *testing.T, links []Link, leaves []int) {
	t.Helper()
	n := 0
	for _, k := range leaves {
		n += k
	}
	defer closeAll(links)
	lengths := []int{0, 1, 100}
	if n == 3 || n == 5 || n == 16 {
		lengths = append(lengths, 3*chunk/4+5)
	}
	groups := make([]*Group, len(links))
	must(t, each(t, links, func(i int, l Link) (err error) {
		m := Members{Ranks: upTo(len(links)), Leaves: leaves, Name: "all"}
		if n%2 == 0 {
			m.Cut = uneven
		}
		groups[i], err = NewGroup(l, m)
		return err
	}))
	for _, length := range lengths {
		want := treeSum(Span{0, n}, leaf, length)
		want64 := treeSum(Span{0, n}, wide, length)
		must(t, each(t, links, func(i int, _ Link) error {
			if err := checkGroup(groups[i], length, want, want64); err != nil {
				return fmt.Errorf("leaves %v, %d values: %w", leaves, length, err)
			}
			return nil
		}))
	}
}

// checkGroup makes every call and compares the results.
func checkGroup(g *Group, length int, want []float32, want64 []float64) error {
	var sums, parts [][]float32
	var doubles [][]float64
	for _, tree := range g.Trees() {
		sums = append(sums, treeSum(tree, leaf, length))
		parts = append(parts, slices.Clone(sums[len(sums)-1]))
		doubles = append(doubles, treeSum(tree, wide, length))
	}
	if err := g.AllReduce(sums); err != nil {
		return err
	}
	if err := same("AllReduce", sums[0], want); err != nil {
		return err
	}
	if err := g.ReduceScatter(parts); err != nil {
		return err
	}
	from, to := g.Piece(length, g.Member())
	if err := same("ReduceScatter", parts[0][from:to], want[from:to]); err != nil {
		return err
	}
	x := make([]float32, length)
	copy(x[from:to], parts[0][from:to])
	if err := g.AllGather(x); err != nil {
		return err
	}
	if err := same("AllGather", x, want); err != nil {
		return err
	}
	for _, root := range []int{0, g.Size() - 1} {
		b := leaf(g.Member(), length)
		if err := g.Broadcast(root, Bytes(b)); err != nil {
			return err
		}
		if err := same("Broadcast", b, leaf(root, length)); err != nil {
			return err
		}
		ok, err := g.And(g.Member() != root)
		if err != nil {
			return err
		}
		if ok {
			return fmt.Errorf("And does not see member %d", root)
		}
	}
	if ok, err := g.And(true); err != nil || !ok {
		return fmt.Errorf("And: %v, %v", ok, err)
	}
	if err := g.Barrier(); err != nil {
		return err
	}
	if err := g.Sum64(doubles); err != nil {
		return err
	}
	return same("Sum64", doubles[0], want64)
}

func same[T float32 | float64](what string, got, want []T) error {
	for i := range want {
		if math.Float64bits(float64(got[i])) != math.Float64bits(float64(want[i])) {
			return fmt.Errorf("%s: value %d is %v, not %v", what, i, got[i], want[i])
		}
	}
	return nil
}
