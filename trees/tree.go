package trees

// Tree is a tree of binary splits. Node 0 is its root, and the children of a node stand
// beside each other behind it.
type Tree struct {
	Nodes []Node
	Sets  [][]uint64 // of the splits of categories: the bits of those that go left
}

// Node is a split or a leaf.
type Node struct {
	Column  int32   // of the table; −1: a leaf
	Left    int32   // the child of what goes left, Left + 1 that of the rest; leaves: 0
	Set     int32   // categories: the place in Tree.Sets; −1: a number is compared with At
	Missing bool    // a missing value goes left
	At      float32 // numbers: x ≤ At goes left
	Gain    float32 // splits: how much the loss fell
	Cover   float32 // sum of the second derivatives of the rows that came here; in a forest their weights
	Value   int32   // leaves: the place in the values of the model, of which each leaf has Model.Width
}

// leaf reports whether the node is a leaf.
func (n *Node) leaf() bool { return n.Column < 0 }

// next is the child that a row goes to.
func (t *Tree) next(n *Node, x []float32) int32 {
	v := x[n.Column]
	left := v <= n.At
	switch {
	case v != v:
		left = n.Missing
	case n.Set >= 0:
		set := t.Sets[n.Set]
		if v < 0 || v >= float32(64*len(set)) {
			left = n.Missing
		} else {
			left = set[int(v)/64]>>(int(v)%64)&1 != 0
		}
	}
	if left {
		return n.Left
	}
	return n.Left + 1
}

// find is the leaf of a row.
func (t *Tree) find(x []float32) *Node {
	n := &t.Nodes[0]
	for !n.leaf() {
		n = &t.Nodes[t.next(n, x)]
	}
	return n
}

// depth is the most splits above a leaf.
func (t *Tree) depth() int {
	deep, most := make([]int, len(t.Nodes)), 0
	for i, n := range t.Nodes {
		if !n.leaf() {
			deep[n.Left], deep[n.Left+1] = deep[i]+1, deep[i]+1
			most = max(most, deep[i]+1)
		}
	}
	return most
}
