package trees

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// forester grows the trees of a forest. A node sorts its rows by the bins of each column that is tried; going over
// them, what the split would gain changes by a row at a time: Σ left² / weight + Σ right² / weight, which is
// Gini impurity for classes and squared error for numbers.
type forester struct {
	ForestConfig
	*binned
	y       *Target
	k       int // sums of a node: one for each class, or one
	weight  []float64
	rows    []int32
	spare   []int32
	sorted  []sample
	sorting []sample
	order   []int // columns
	left    []float64
	all     []float64
	values  *[]float32
}

// sample is a row of a node, and its bin of the column that is tried.
type sample struct {
	bin int32
	row int32
}

// cut is a split of a node.
type cut struct {
	split
	weight float64 // on the left
}

func newForester(c ForestConfig, b *binned, y *Target) *forester {
	f := &forester{ForestConfig: c, binned: b, y: y, k: max(c.Classes, 1)}
	n := b.rows
	f.weight, f.rows, f.spare = make([]float64, n), make([]int32, 0, n), make([]int32, n)
	f.sorted, f.sorting = make([]sample, n), make([]sample, n)
	f.left, f.all = make([]float64, f.k), make([]float64, f.k)
	for j := range b.columns {
		f.order = append(f.order, j)
	}
	return f
}

// tree grows a tree.
func (f *forester) tree(r *rand.Rand, values *[]float32, n int) *Tree {
	f.values = values
	for j := range f.order { // as at the first tree: what a tree is depends on its number alone
		f.order[j] = j
	}
	for i := range f.weight {
		f.weight[i] = 0
	}
	for i := range n {
		if f.Extra {
			f.weight[i] = f.y.weight(i)
		} else {
			k := r.IntN(n)
			f.weight[k] += f.y.weight(k)
		}
	}
	f.rows = f.rows[:0]
	for i, w := range f.weight {
		if w > 0 {
			f.rows = append(f.rows, int32(i))
		}
	}
	t := &Tree{}
	t.Nodes = append(t.Nodes, Node{Column: -1, Set: -1})
	f.node(t, 0, span{0, len(f.rows)}, 0, r)
	return t
}

// node splits a node, or makes it a leaf.
func (f *forester) node(t *Tree, at int, s span, depth int, r *rand.Rand) {
	rows := f.rows[s.lo:s.hi]
	clear(f.all)
	total, squares := 0., 0.
	for _, i := range rows {
		w := f.weight[i]
		total += w
		if f.Classes > 0 {
			f.all[f.y.Class[i]] += w
		} else {
			v := float64(f.y.Value[i])
			f.all[0] += w * v
			squares += w * v * v
		}
	}
	t.Nodes[at].Cover = float32(total)
	best := cut{}
	if depth < f.Depth && len(rows) > 1 && total >= 2*f.MinLeaf && !f.pure(total, squares) {
		best = f.search(rows, total, r)
	}
	if best.gain <= 0 {
		t.Nodes[at].Value = int32(len(*f.values) / f.k)
		for _, v := range f.all {
			if total > 0 {
				v /= total
			}
			*f.values = append(*f.values, float32(v))
		}
		return
	}
	c := &f.columns[best.column]
	p := part{packs: f.packs, rows: f.rows, spare: f.spare}
	mid := s.lo + p.divide(s, best.column, c.goes(&best.split))
	left := len(t.Nodes)
	t.Nodes = append(t.Nodes, Node{Column: -1, Set: -1}, Node{Column: -1, Set: -1})
	n := &t.Nodes[at]
	n.Column, n.Left, n.Missing, n.Gain = int32(best.column), int32(left), best.missingLeft, float32(best.gain)
	switch {
	case best.set != nil:
		n.Set = int32(len(t.Sets))
		t.Sets = append(t.Sets, c.levels(&best.split))
	case best.bin < len(c.cuts):
		n.At = c.cuts[best.bin]
	default:
		n.At = float32(math.Inf(1))
	}
	f.node(t, left, span{s.lo, mid}, depth+1, r)
	f.node(t, left+1, span{mid, s.hi}, depth+1, r)
}

// pure reports whether the rows of a node have all the same target.
func (f *forester) pure(total, squares float64) bool {
	if f.Classes > 0 {
		return slices.Max(f.all) == total
	}
	return squares-f.all[0]*f.all[0]/total <= 1e-12*squares
}

// search tries columns in a random order: as many as the settings say, and more until one splits the node.
func (f *forester) search(rows []int32, total float64, r *rand.Rand) (best cut) {
	want := max(int(f.ForestConfig.Columns*float64(len(f.order))+.5), 1)
	for n := range f.order {
		if n >= want && best.gain > 0 {
			break
		}
		k := n + r.IntN(len(f.order)-n)
		f.order[n], f.order[k] = f.order[k], f.order[n]
		j := f.order[n]
		if c := f.try(j, rows, total, r); c.gain > best.gain {
			best = c
			best.column = j
		}
	}
	return best
}

// try finds the best split of a column, or draws one.
func (f *forester) try(j int, rows []int32, total float64, r *rand.Rand) (best cut) {
	c := &f.columns[j]
	s := f.bySample(j, rows)
	absent := len(s) // from where on values are missing
	if c.missing {
		for absent > 0 && int(s[absent-1].bin) == c.bins {
			absent--
		}
	}
	rank := (*[256]int)(nil) // of categories: their place in the order in which they are gone over
	if c.Levels > 0 {
		rank = f.ranks(s[:absent], c, r)
		slices.SortStableFunc(s[:absent], func(a, b sample) int { return cmp.Compare(rank[a.bin], rank[b.bin]) })
	}
	if absent == 0 || s[0].bin == s[absent-1].bin && absent == len(s) {
		return best
	}
	parent := f.score(f.all, total)
	ends := func(i int) bool { // a split behind so many samples
		if i == absent {
			return absent < len(s)
		}
		return s[i].bin != s[i-1].bin
	}
	draw := 0
	if f.Extra { // a boundary between the bins of this node
		n := 0
		for i := 1; i <= absent; i++ {
			if ends(i) {
				if n++; r.IntN(n) == 0 {
					draw = i
				}
			}
		}
	}
	for pass := range 2 { // missing values go right, then left
		if pass == 1 && absent == len(s) {
			break
		}
		clear(f.left)
		w := 0.
		if pass == 1 {
			for _, p := range s[absent:] {
				w += f.put(p)
			}
		}
		for i, p := range s[:absent] {
			w += f.put(p)
			n := i + 1
			if !ends(n) || f.Extra && n != draw || pass == 1 && n == absent || w < f.MinLeaf || total-w < f.MinLeaf {
				continue
			}
			if gain := f.score2(w, total) - parent; gain > best.gain && gain > 1e-12*parent {
				best.gain, best.bin, best.weight, best.missingLeft = gain, int(p.bin), w, pass == 1
				if rank != nil {
					best.bin = rank[p.bin]
				}
			}
		}
	}
	if best.gain > 0 {
		if absent == len(s) {
			best.missingLeft = best.weight > total-best.weight
		}
		if rank != nil {
			to := best.bin
			best.set = []int{}
			for bin := range c.bins {
				if rank[bin] <= to && rank[bin] >= 0 {
					best.set = append(best.set, bin)
				}
			}
		}
	}
	return best
}

// put moves a sample to the left, and returns its weight.
func (f *forester) put(p sample) float64 {
	w := f.weight[p.row]
	if f.Classes > 0 {
		f.left[f.y.Class[p.row]] += w
	} else {
		f.left[0] += w * float64(f.y.Value[p.row])
	}
	return w
}

// score is Σ s² / w.
func (f *forester) score(s []float64, w float64) (sum float64) {
	for _, v := range s {
		sum += v * v
	}
	return sum / w
}

// score2 is the score of both sides of a split.
func (f *forester) score2(w, total float64) float64 {
	var l, r float64
	for k, v := range f.left {
		d := f.all[k] - v
		l += v * v
		r += d * d
	}
	return l/w + r/(total-w)
}

// bySample are the rows of a node in the order of their bins.
func (f *forester) bySample(j int, rows []int32) []sample {
	bins, shift := f.packs[j/4], 8*(j%4)
	s := f.sorted[:len(rows)]
	if len(rows) < 48 {
		for i, r := range rows {
			p := sample{int32(uint8(bins[r] >> shift)), r}
			k := i
			for ; k > 0 && s[k-1].bin > p.bin; k-- {
				s[k] = s[k-1]
			}
			s[k] = p
		}
		return s
	}
	var at [257]int32
	raw := f.sorting[:len(rows)]
	for i, r := range rows {
		b := uint8(bins[r] >> shift)
		raw[i] = sample{int32(b), r}
		at[int(b)+1]++
	}
	for i := 1; i < 257; i++ {
		at[i] += at[i-1]
	}
	for _, p := range raw {
		s[at[p.bin]] = p
		at[p.bin]++
	}
	return s
}

// ranks orders the categories of a node by the mean of the target, of several classes by the share of one that is
// drawn. Those that no row has are −1.
func (f *forester) ranks(s []sample, c *binning, r *rand.Rand) *[256]int {
	class := int32(1)
	if f.Classes > 2 {
		class = int32(r.IntN(f.Classes))
	}
	var top, bottom [256]float64
	for _, p := range s {
		w := f.weight[p.row]
		bottom[p.bin] += w
		switch {
		case f.Classes == 0:
			top[p.bin] += w * float64(f.y.Value[p.row])
		case f.y.Class[p.row] == class:
			top[p.bin] += w
		}
	}
	var there []int
	rank := new([256]int)
	for k := range rank {
		if rank[k] = -1; k < c.bins && bottom[k] > 0 {
			there = append(there, k)
		}
	}
	slices.SortStableFunc(there, func(a, b int) int { return cmp.Compare(top[a]/bottom[a], top[b]/bottom[b]) })
	for i, k := range there {
		rank[k] = i
	}
	return rank
}
