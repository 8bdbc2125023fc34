package trees

import (
	"math"

	"budwood/engine/kernel"
)

// flat is a forest laid out for prediction. A tree of up to 8 levels that splits numbers is a heap: the
// children of node a are 2a and 2a+1, and a row takes as many steps as the tree has levels, without asking
// whether it has arrived. Other trees are walked node by node.
type flat struct {
	columns int // of a row
	outputs int
	width   int
	trees   []flatTree
	at      []int32   // of heaps: the orders of the thresholds
	slot    []int32   // and where in a block the values of the columns begin
	places  []int32   // of heaps: where the values of the leaves are, in the order of the heap
	leaves  []float32 // and these values, if a leaf has one
	slots   []slot
	values  []float32
}

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
	block    = kernel.HeapRows // rows that go through a tree together: their values stay in the nearest cache
	mostHeap = 8               // levels
)

func (m *Model) flatten() *flat {
	f := &flat{columns: len(m.Columns), outputs: m.Outputs, width: m.Width, values: m.Values}
	if m.Ordered != nil {
		f.columns = m.width()
	}
	slots := map[slot]int32{}
	for i := range m.Trees {
		t := &m.Trees[i]
		ft := flatTree{levels: t.depth(), tree: t, nodes: len(f.at), places: len(f.places)}
		if len(t.Sets) > 0 || ft.levels > mostHeap {
			ft.levels = -1
			f.trees = append(f.trees, ft)
			continue
		}
		f.at = append(f.at, make([]int32, 1<<ft.levels)...)
		f.slot = append(f.slot, make([]int32, 1<<ft.levels)...)
		f.places = append(f.places, make([]int32, 1<<ft.levels)...)
		f.heap(t, 0, 1, 0, ft, slots)
		if f.width == 1 {
			for _, p := range f.places[ft.places:] {
				f.leaves = append(f.leaves, m.Values[p])
			}
		}
		f.trees = append(f.trees, ft)
	}
	f.at = append(f.at, make([]int32, 1<<mostHeap)...) // so that the kernel may read beyond the last
	f.slot = append(f.slot, make([]int32, 1<<mostHeap)...)
	return f
}

// heap puts node k of a tree, and what is below it, to a place of its heap.
func (f *flat) heap(t *Tree, k int32, at, level int, ft flatTree, slots map[slot]int32) {
	n := &t.Nodes[k]
	if level == ft.levels {
		f.places[ft.places+at-1<<level] = n.Value
		return
	}
	if n.leaf() { // all go left, down to the last level
		f.at[ft.nodes+at] = math.MaxInt32
		f.heap(t, k, 2*at, level+1, ft, slots)
		return
	}
	s := slot{int(n.Column), n.Missing}
	if _, ok := slots[s]; !ok {
		slots[s] = int32(len(f.slots) * block)
		f.slots = append(f.slots, s)
	}
	f.at[ft.nodes+at], f.slot[ft.nodes+at] = order(n.At), slots[s]
	f.heap(t, n.Left, 2*at, level+1, ft, slots)
	f.heap(t, n.Left+1, 2*at+1, level+1, ft, slots)
}

// add adds what all trees say of rows to their outputs.
func (f *flat) add(x []float32, out []float64) {
	n := len(x) / f.columns
	values := make([]int32, max(len(f.slots), 1)*block)
	sums := make([][block]float64, f.outputs)
	var leaf [block]int32
	for from := 0; from < n; from += block {
		rows := min(block, n-from)
		raw, y := x[from*f.columns:(from+rows)*f.columns], out[from*f.outputs:(from+rows)*f.outputs]
		for k, s := range f.slots {
			s.fill(values[k*block:(k+1)*block], raw[s.column:], f.columns)
		}
		for i, v := range y {
			sums[i%f.outputs][i/f.outputs] = v
		}
		for k := range f.trees {
			t := &f.trees[k]
			switch {
			case t.levels < 0:
				for i := range rows {
					leaf[i] = t.tree.find(raw[i*f.columns:]).Value
				}
			case f.width == 1:
				f.walk(&leaf, values, t, &sums[k%f.outputs])
				continue
			default:
				f.walk(&leaf, values, t, nil)
			}
			if f.width == 1 {
				s := &sums[k%f.outputs]
				for i := range rows {
					s[i] += float64(f.values[leaf[i]])
				}
				continue
			}
			for i := range rows {
				for j, v := range f.values[int(leaf[i])*f.width:][:f.width] {
					sums[j][i] += float64(v)
				}
			}
		}
		for i := range y {
			y[i] = sums[i%f.outputs][i/f.outputs]
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

// walk finds the leaves of the rows of a block. If a leaf has one value it is added to the sums, else leaf gets the places of
// the values.
func (f *flat) walk(leaf *[block]int32, values []int32, t *flatTree, sums *[block]float64) {
	kernel.HeapLeaves(leaf, values, f.at[t.nodes:], f.slot[t.nodes:], t.levels)
	w := int32(1) << t.levels
	if sums != nil {
		v := f.leaves[t.places : t.places+int(w)]
		for i, node := range leaf {
			sums[i] += float64(v[node-w])
		}
		return
	}
	places := f.places[t.places : t.places+int(w)]
	for i, node := range leaf {
		leaf[i] = places[node-w]
	}
}
