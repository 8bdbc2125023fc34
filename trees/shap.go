package trees

import "fmt"

// SHAP is how much each column adds to the outputs of a row (before the link): the Shapley values of the game in
// which a tree whose column is not known takes both ways, by the share of the training rows that took each. They are
// exact, by the algorithm of Lundberg, Erion & Lee 2018, "Consistent individualized feature attribution for
// tree ensembles", algorithm 2. The result has for each output a value for each column, and behind these the expected output,
// row-major: outputs × (columns + 1). The values of an output add up to its margin.
func (m *Model) SHAP(row []float32) ([]float64, error) {
	if len(row) != len(m.Columns) {
		return nil, fmt.Errorf("trees: %d values are no row of %d columns", len(row), len(m.Columns))
	}
	if m.Kind == "linear" {
		return m.shapLinear(row), nil
	}
	w := len(m.Columns) + 1
	out := make([]float64, m.Outputs*w)
	for k, v := range m.Start {
		out[(k+1)*w-1] = v
	}
	x, origin := m.encoded(row), m.origin()
	for i := range m.Trees {
		s := shapley{t: &m.Trees[i], x: x, m: m, out: out, origin: origin, output: i % m.Outputs}
		s.walk(0, nil, 1, 1, -1)
		s.expect(0, 1)
	}
	if m.Kind == "forest" {
		for i := range out {
			out[i] /= float64(max(len(m.Trees), 1))
		}
	}
	return out, nil
}

type shapley struct {
	m      *Model
	t      *Tree
	x      []float32
	out    []float64
	origin []int // of the columns of the tree: that of the table
	output int   // of a tree with a value a leaf
}

// split of a path: its column, the share of the ways that flow through it where the column is not known (zero) and where
// it is (one), and the weights of the subsets of each size.
type pathStep struct {
	column          int
	zero, one, size float64
}

// shares are the shares of the rows of a split that go left and right.
func (t *Tree) shares(n *Node) (left, right float64) {
	l, r := float64(t.Nodes[n.Left].Cover), float64(t.Nodes[n.Left+1].Cover)
	if l+r <= 0 {
		return .5, .5
	}
	return l / (l + r), r / (l + r)
}

// add adds a share of the values of a leaf to those of a column.
func (s *shapley) add(leaf *Node, column int, share float64) {
	w := len(s.m.Columns) + 1
	if s.m.Width == 1 {
		s.out[s.output*w+column] += share * float64(s.m.Values[leaf.Value])
		return
	}
	for k, v := range s.m.Values[int(leaf.Value)*s.m.Width:][:s.m.Width] {
		s.out[k*w+column] += share * float64(v)
	}
}

// expect adds the expected value of a tree.
func (s *shapley) expect(at int32, share float64) {
	n := &s.t.Nodes[at]
	if n.leaf() {
		s.add(n, len(s.m.Columns), share)
		return
	}
	left, right := s.t.shares(n)
	s.expect(n.Left, share*left)
	s.expect(n.Left+1, share*right)
}

// walk goes down with the path so far, which grows by a column that leads to the node.
func (s *shapley) walk(at int32, path []pathStep, zero, one float64, column int) {
	path = extend(path, zero, one, column)
	n := &s.t.Nodes[at]
	if n.leaf() {
		for i := 1; i < len(path); i++ {
			sum := 0.
			for _, p := range unwind(path, i) {
				sum += p.size
			}
			s.add(n, path[i].column, sum*(path[i].one-path[i].zero))
		}
		return
	}
	hot := s.t.next(n, s.x)
	left, right := s.t.shares(n)
	zero, one = 1, 1
	own := s.origin[n.Column]
	for i := 1; i < len(path); i++ {
		if path[i].column == own { // the column stands in the path already
			zero, one = path[i].zero, path[i].one
			path = unwind(path, i)
			break
		}
	}
	for k, share := range []float64{left, right} {
		child, known := n.Left+int32(k), 0.
		if child == hot {
			known = one
		}
		s.walk(child, path, zero*share, known, own)
	}
}

// extend is the path with one more column.
func extend(path []pathStep, zero, one float64, column int) []pathStep {
	l := len(path)
	out := make([]pathStep, l+1)
	copy(out, path)
	out[l] = pathStep{column: column, zero: zero, one: one}
	if l == 0 {
		out[0].size = 1
	}
	for i := l - 1; i >= 0; i-- {
		out[i+1].size += one * out[i].size * float64(i+1) / float64(l+1)
		out[i].size *= zero * float64(l-i) / float64(l+1)
	}
	return out
}

// unwind is the path without its column i.
func unwind(path []pathStep, i int) []pathStep {
	l := len(path) - 1
	out := make([]pathStep, l)
	zero, one, next := path[i].zero, path[i].one, path[l].size
	for j := l - 1; j >= 0; j-- {
		if one != 0 {
			out[j].size = next * float64(l+1) / (float64(j+1) * one)
			next = path[j].size - out[j].size*zero*float64(l-j)/float64(l+1)
		} else {
			out[j].size = path[j].size * float64(l+1) / (zero * float64(l-j))
		}
	}
	for j := range out {
		k := j
		if j >= i {
			k++
		}
		out[j].column, out[j].zero, out[j].one = path[k].column, path[k].zero, path[k].one
	}
	return out
}
