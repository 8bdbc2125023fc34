package trees

import "math"

// flat is a forest laid out for prediction. A tree of up to 8 levels that splits numbers is a heap: the
// children of node a are 2a and 2a+1, and a row takes as many steps as the tree has levels, without asking
// whether it has arrived. Other trees are walked node by node.
type flat struct {
	columns int // of a row
	outputs int
	width   int
	trees   []flatTree
	heaps   []heapNode
	places  []int32 // of heaps: where the values of the leaves are, in the order of the heap
	slots   []slot
	values  []float32
}

// heapNode is a split: the order of its threshold ([order]) in the lower half, and in the upper one where the slot
// of its column begins. A row whose number has a higher order goes to the right.
type heapNode uint64

// order is a whole number for each number, in the same order, so that the difference of two tells which is
// larger without a branch.
func order(x float32) int32 {
	bits := int32(math.Float32bits(x + 0)) // no negative zero
	return bits ^ bits>>31&math.MaxInt32
}

// slot is a column in the order of a block: the orders of its values of all rows behind each other, a missing one
// lower or higher than all, which makes it go the way that it should.
type slot struct {
	column  int
	missing bool // it goes left
}

type flatTree struct {
	levels int // of a heap; −1: none
	nodes  int // the first of its heap
	places int
	tree   *Tree
}

const (
	block    = 64 // rows that go through a tree together: their values stay in the nearest cache
	mostHeap = 8  // levels
)

func (m *Model) flatten() *flat {
	f := &flat{columns: len(m.Columns), outputs: m.Outputs, width: m.Width, values: m.Values}
	if m.Ordered != nil {
		f.columns = m.width()
	}
	slots := map[slot]int32{}
	for i := range m.Trees {
		t := &m.Trees[i]
		ft := flatTree{levels: t.depth(), tree: t, nodes: len(f.heaps), places: len(f.places)}
		if len(t.Sets) > 0 || ft.levels > mostHeap {
			ft.levels = -1
			f.trees = append(f.trees, ft)
			continue
		}
		f.heaps = append(f.heaps, make([]heapNode, 1<<ft.levels)...)
		f.places = append(f.places, make([]int32, 1<<ft.levels)...)
		f.heap(t, 0, 1, 0, ft, slots)
		f.trees = append(f.trees, ft)
	}
	f.heaps = append(f.heaps, make([]heapNode, 1<<mostHeap)...) // so that each can be seen as an array
	return f
}

// heap puts node k of a tree, and what is below it, to a place of its heap.
func (f *flat) heap(t *Tree, k int32, at, level int, ft flatTree, slots map[slot]int32) {
	n := &t.Nodes[k]
	if level == ft.levels {
		f.places[ft.places+at-1<<level] = n.Value
		return
	}
	h := &f.heaps[ft.nodes+at]
	if n.leaf() { // all go left, down to the last level
		*h = math.MaxInt32
		f.heap(t, k, 2*at, level+1, ft, slots)
		return
	}
	s := slot{int(n.Column), n.Missing}
	if _, ok := slots[s]; !ok {
		slots[s] = int32(len(f.slots) * block)
		f.slots = append(f.slots, s)
	}
	*h = heapNode(slots[s])<<32 | heapNode(uint32(order(n.At)))
	f.heap(t, n.Left, 2*at, level+1, ft, slots)
	f.heap(t, n.Left+1, 2*at+1, level+1, ft, slots)
}

// add adds what all trees say of rows to their outputs.
func (f *flat) add(x []float32, out []float64) {
	n := len(x) / f.columns
	values := make([]int32, max(len(f.slots), 1)*block)
	var leaf [block]int32
	for from := 0; from < n; from += block {
		rows := min(block, n-from)
		raw := x[from*f.columns : (from+rows)*f.columns]
		for k, s := range f.slots {
			s.fill(values[k*block:(k+1)*block], raw[s.column:], f.columns)
		}
		for k := range f.trees {
			t := &f.trees[k]
			if t.levels >= 0 {
				f.walk(&leaf, values, t)
			} else {
				for i := range rows {
					leaf[i] = t.tree.find(raw[i*f.columns:]).Value
				}
			}
			if f.width > 1 {
				for i := range rows {
					y := out[(from+i)*f.outputs:][:f.width]
					for j, v := range f.values[int(leaf[i])*f.width:][:f.width] {
						y[j] += float64(v)
					}
				}
				continue
			}
			y := out[from*f.outputs+k%f.outputs:]
			if f.outputs == 1 {
				for i := range y[:rows] {
					y[i] += float64(f.values[leaf[i]])
				}
				continue
			}
			for i := range rows {
				y[i*f.outputs] += float64(f.values[leaf[i]])
			}
		}
	}
}

// fill takes the values of a column from rows.
func (s slot) fill(to []int32, raw []float32, columns int) {
	missing := int32(math.MaxInt32)
	if s.missing {
		missing = math.MinInt32
	}
	for i, j := 0, 0; i < len(to) && j < len(raw); i, j = i+1, j+columns {
		v := raw[j]
		if to[i] = order(v); v != v {
			to[i] = missing
		}
	}
}

// walk finds the leaves of the rows of a block. Four rows go at a time: while one waits for its
// values, the others go on.
func (f *flat) walk(leaf *[block]int32, values []int32, t *flatTree) {
	nodes := (*[1 << mostHeap]heapNode)(f.heaps[t.nodes:])
	levels := t.levels
	w := 1 << levels
	places := f.places[t.places : t.places+w]
	for i := 0; i < block; i += 4 {
		x := values[i:]
		a, b, c, d := 1, 1, 1, 1
		for range levels {
			p, q := nodes[uint8(a)], nodes[uint8(b)]
			a, b = 2*a+p.right(x[p>>32]), 2*b+q.right(x[q>>32+1])
			p, q = nodes[uint8(c)], nodes[uint8(d)]
			c, d = 2*c+p.right(x[p>>32+2]), 2*d+q.right(x[q>>32+3])
		}
		leaf[i], leaf[i+1], leaf[i+2], leaf[i+3] = places[a-w], places[b-w], places[c-w], places[d-w]
	}
}

// right is 1 for a number that goes to the right, else 0.
func (n heapNode) right(x int32) int { return int(uint64(int64(int32(n))-int64(x)) >> 63) }
