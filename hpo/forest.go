package hpo

import (
	"cmp"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// forest are regression trees (Breiman 2001) over [0,1]^D, each grown on a sample
// of the rows with replacement, each split the best of a random 5/6 of the axes.
// The cut lies at random between the two values that it parts (Hutter et al. 2014,
// Section 3), so that the trees differ where there is no data.
type forest []tree

// tree has its root first.
type tree []split

// split sends x[axis] < cut to the left. A leaf has axis −1.
type split struct {
	axis        int
	cut         float64
	left, right int
	mean        float64 // of the rows below
	variance    float64
}

// newForest grows trees of leaves with at least so many rows. The rows of x have
// no NaN. The same arguments give the same forest.
func newForest(x [][]float64, y []float64, trees, leaf int) forest {
	f := make(forest, trees)
	for t := range f {
		g := grower{x: x, y: y, leaf: leaf, rng: search.Rand(0, t)}
		rows := make([]int, len(x))
		for i := range rows {
			rows[i] = g.rng.IntN(len(x))
		}
		g.grow(rows)
		f[t] = g.tree
	}
	return f
}

// predict is the mean and the variance of y at x: that of the trees' means, and
// the mean one inside their leaves.
func (f forest) predict(x []float64) (mean, variance float64) {
	square := 0.
	for _, t := range f {
		l := t.leaf(x)
		mean += l.mean
		square += l.variance + l.mean*l.mean
	}
	n := float64(len(f))
	mean /= n
	return mean, max(square/n-mean*mean, 0)
}

func (t tree) leaf(x []float64) *split {
	i := 0
	for t[i].axis >= 0 {
		if x[t[i].axis] < t[i].cut {
			i = t[i].left
		} else {
			i = t[i].right
		}
	}
	return &t[i]
}

type grower struct {
	x    [][]float64
	y    []float64
	leaf int
	rng  *rand.Rand
	tree tree
}

// grow adds the subtree of some rows and returns its root. It reorders rows.
func (g *grower) grow(rows []int) int {
	sum, square := 0., 0.
	for _, i := range rows {
		sum += g.y[i]
	}
	n := float64(len(rows))
	for _, i := range rows {
		d := g.y[i] - sum/n
		square += d * d
	}
	at := len(g.tree)
	g.tree = append(g.tree, split{axis: -1, mean: sum / n, variance: square / n})
	axis, cut, ok := g.best(rows, sum)
	if !ok || square == 0 {
		return at
	}
	k := 0
	for i, r := range rows {
		if g.x[r][axis] < cut {
			rows[i], rows[k] = rows[k], rows[i]
			k++
		}
	}
	left := g.grow(rows[:k])
	right := g.grow(rows[k:])
	s := &g.tree[at]
	s.axis, s.cut, s.left, s.right = axis, cut, left, right
	return at
}

// best is the split that explains most of the variance; ok is false if there is
// none.
func (g *grower) best(rows []int, sum float64) (axis int, cut float64, ok bool) {
	if len(rows) < 2*g.leaf {
		return 0, 0, false
	}
	n := float64(len(rows))
	dims := len(g.x[0])
	top := sum * sum / n * (1 + 1e-12)
	if sum == 0 {
		top = 0
	}
	for _, k := range g.rng.Perm(dims)[:(5*dims+5)/6] {
		slices.SortFunc(rows, func(a, b int) int {
			if c := cmp.Compare(g.x[a][k], g.x[b][k]); c != 0 {
				return c
			}
			return a - b
		})
		left := 0.
		for i := 1; i <= len(rows)-g.leaf; i++ {
			left += g.y[rows[i-1]]
			a, b := g.x[rows[i-1]][k], g.x[rows[i]][k]
			if i < g.leaf || a == b {
				continue
			}
			// Maximal where the sum of squares within the halves is least.
			score := left*left/float64(i) + (sum-left)*(sum-left)/(n-float64(i))
			if score > top {
				top, axis, ok = score, k, true
				cut = a + (b-a)*g.rng.Float64()
				if cut == a {
					cut = b
				}
			}
		}
	}
	return axis, cut, ok
}
