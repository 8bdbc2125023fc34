package mesh

import (
	"fmt"
	"math/bits"
	"slices"
)

// Members says who takes part in the collectives of a group.
type Members struct {
	// Ranks of the members, in the order of their leaves.
	Ranks []int
	// Leaves that each member holds, at least 1; nil means one each.
	Leaves []int
	// Name tells groups of the same ranks apart.
	Name string
	// Stream that the group's messages travel on. All members call the collectives
	// of all groups of a stream in one order.
	Stream int
	// Add adds a to dst; nil means a loop in Go. Rounding to nearest, any
	// implementation gives the same bits.
	Add func(dst, a []float32)
	// Cut gives piece i of n of a vector of length floats, from … to−1. Together they
	// are the whole vector, in order; pieces may be empty. All members cut alike. nil
	// means [Cut].
	Cut func(length, n, i int) (from, to int)
}

// Group is one member's side of collectives. Its methods are for one goroutine; they
// return once the member's part is done, which is not before all others have made
// the same call. After the first calls they allocate nothing. After an error the group
// is of no use; who gets one closes the link with it, so that others do not wait.
type Group struct {
	link    Link
	wire    wire // how messages travel, or
	room    *room
	ranks   []int
	me      int // the own place in ranks
	tag     uint32
	calls   uint32
	trees   []Span // that this member holds
	owner   []int  // the member that has each subtree
	first   []int  // the first subtree of each member
	steps   [][]addition
	leaves  int
	halving bool // pairs at distance 1, 2, 4, …
	cut     func(length, n, i int) (from, to int)

	add32, add64 func(dst, a []byte)
	views        [][]byte // of the own sums in the current call
	bufs         [][]byte // of one chunk, by subtree
	held         []*frame // whose memory that is
	now          Mark     // the current call
	vote         byte
	ballot       [1]byte // a vote on its way
}

// NewGroup makes the own side of a group on a link.
func NewGroup(link Link, m Members) (*Group, error) {
	g := &Group{link: link, ranks: slices.Clone(m.Ranks), me: slices.Index(m.Ranks, link.Rank())}
	leaves := slices.Clone(m.Leaves)
	if leaves == nil {
		leaves = slices.Repeat([]int{1}, len(m.Ranks))
	}
	sorted := slices.Sorted(slices.Values(m.Ranks))
	switch {
	case g.me < 0:
		return nil, fmt.Errorf("mesh: rank %d is not among the ranks %v of the group %s", link.Rank(), m.Ranks, m.Name)
	case len(slices.Compact(sorted)) < len(m.Ranks):
		return nil, fmt.Errorf("mesh: the group %s has a rank twice: %v", m.Name, m.Ranks)
	case len(leaves) != len(m.Ranks) || slices.Min(leaves) < 1:
		return nil, fmt.Errorf("mesh: the group %s has %d members and leaves %v: each needs at least one", m.Name, len(m.Ranks), leaves)
	case m.Stream < 0 || m.Stream >= Streams:
		return nil, fmt.Errorf("mesh: the group %s is on stream %d: there are %d", m.Name, m.Stream, Streams)
	}
	if g.cut = m.Cut; g.cut == nil {
		g.cut = Cut
	}
	g.tag = Tag(m.Stream, fmt.Sprint(m.Name, m.Ranks, leaves))
	for _, n := range leaves {
		g.leaves += n
	}
	var parts []Span
	from := 0
	for i, n := range leaves {
		g.first = append(g.first, len(parts))
		for _, t := range Trees(g.leaves, Span{from, from + n}) {
			parts, g.owner = append(parts, t), append(g.owner, i)
		}
		from += n
	}
	g.first = append(g.first, len(parts))
	g.trees = parts[g.first[g.me]:g.first[g.me+1]]
	g.steps = fold(Span{To: g.leaves}, parts, g.first[g.me])
	g.views = make([][]byte, len(g.trees))
	g.bufs, g.held = make([][]byte, len(parts)), make([]*frame, len(parts))
	add := m.Add
	if add == nil {
		add = plainAdd[float32]
	}
	g.add32 = func(dst, a []byte) { add(values[float32](dst), values[float32](a)) }
	g.add64 = func(dst, a []byte) { plainAdd(values[float64](dst), values[float64](a)) }

	switch l := link.(type) {
	case *Lane:
		return g, l.local.enter(g)
	case *Net:
		g.wire = l
	default:
		g.wire = &copied{Link: link, posted: map[int]posted{}}
	}
	g.halving = len(m.Ranks) > direct && perfect(g.leaves, parts, len(m.Ranks))
	return g, nil
}

// direct is the largest group whose members all send to each other, unless there is
// no other way.
const direct = 8

// perfect reports whether every one of n members holds one subtree, all equally
// large, and n is a power of two: then pairs at distance 1, 2, 4, … add in the order
// of the tree.
func perfect(leaves int, parts []Span, n int) bool {
	if bits.OnesCount(uint(n)) != 1 || len(parts) != n {
		return false
	}
	for _, t := range parts {
		if (t.To-t.From)*n != leaves {
			return false
		}
	}
	return bits.OnesCount(uint(leaves/n)) == 1
}

// Size is the number of members.
func (g *Group) Size() int { return len(g.ranks) }

// Member is the own place among the members.
func (g *Group) Member() int { return g.me }

// Leaves is the number of leaves of all members.
func (g *Group) Leaves() int { return g.leaves }

// Trees are the subtrees whose sums this member hands to collectives, in their order.
func (g *Group) Trees() []Span { return g.trees }

// Piece is the part from … to−1 of a vector of length floats that a member has after
// [Group.ReduceScatter] and gives in [Group.AllGather]. It is cut as [Members] say;
// which piece is whose depends on the group.
func (g *Group) Piece(length, member int) (from, to int) {
	return g.cut(length, len(g.ranks), g.turn(member))
}

// turn is the piece of a member. Pairs at distance 1, 2, 4, … halve the vector each
// time, which leaves the pieces in the order of the reversed bits.
func (g *Group) turn(member int) int {
	if !g.halving {
		return member
	}
	return int(bits.Reverse(uint(member)) >> (bits.UintSize - bits.TrailingZeros(uint(len(g.ranks)))))
}

// begin starts a call.
func (g *Group) begin(kind Kind, root, size int) Mark {
	g.now = Mark{Tag: g.tag, Call: g.calls, Kind: kind, Root: uint16(root), Size: uint64(size)}
	g.calls++
	return g.now
}

// wrong ends the link for a call that cannot be made: the others would wait for it.
func (g *Group) wrong(kind Kind, format string, args ...any) error {
	err := fmt.Errorf("mesh: rank %d: %v: %s", g.link.Rank(), kind, fmt.Sprintf(format, args...))
	g.link.Close(err)
	return err
}

// view takes the sums of a call: one for each own tree, all of one length.
func view[T float32 | float64](g *Group, kind Kind, sums [][]T) error {
	if len(sums) != len(g.trees) {
		return g.wrong(kind, "%d sums, but the member holds the %d trees %v", len(sums), len(g.trees), g.trees)
	}
	for i, s := range sums {
		if len(s) != len(sums[0]) {
			return g.wrong(kind, "sums of %d and %d values", len(sums[0]), len(s))
		}
		g.views[i] = Bytes(s)
	}
	return nil
}
