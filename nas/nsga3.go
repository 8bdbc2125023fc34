package nas

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// NSGA3 searches for many objectives at once (NSGA-III; Deb & Jain 2014). It is
// [NSGA2] except for which trials of the last front that has room survive, and for
// the parents: with three objectives and more nearly every trial is on the first
// front, and distances along one objective after the other say little. Here the
// normalised objectives are divided into niches around reference points, spread
// evenly over the simplex (Das & Dennis 1998), and the emptiest niches are
// filled first. Parents are drawn from the population at random.
//
// The number of reference points is the largest of their numbers that is not
// over P, or as many as there are objectives.
type NSGA3 struct {
	Space      *Space
	Population int // P; 0 means 20
}

var _ search.Sampler = NSGA3{}

// Propose evolves the past.
func (s NSGA3) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	size := positive(s.Population, 20)
	points := referencePoints(len(req.Objectives), size)
	return crossed(ctx, s.Space, req, size, func(m *memo) parentFunc {
		population := m.niches.of(m.individuals(req.Objectives, size), size, points, req.Seed)
		return func(r *rand.Rand) (candidate, bool) {
			if len(population) == 0 {
				return candidate{}, false
			}
			return s.Space.candidate(population[r.IntN(len(population))])
		}
	})
}

// referencePoints are the points of the simplex of m coordinates whose
// coordinates are multiples of 1/p, for the largest p that gives at most n of
// them (Das & Dennis 1998); p is at least 1.
func referencePoints(m, n int) [][]float64 {
	if m == 0 {
		return nil
	}
	p := 1
	for m > 1 && binomial(m+p, p+1, n) <= n {
		p++
	}
	var out [][]float64
	point := make([]float64, m)
	var divide func(at, left int)
	divide = func(at, left int) {
		if at == m-1 {
			point[at] = float64(left) / float64(p)
			out = append(out, slices.Clone(point))
			return
		}
		for i := range left + 1 {
			point[at] = float64(i) / float64(p)
			divide(at+1, left-i)
		}
	}
	divide(0, p)
	return out
}

// binomial is n over k, or some number above most.
func binomial(n, k, most int) int {
	b := 1
	for i := 1; i <= k; i++ {
		b = b * (n - k + i) / i
		if b > most {
			return most + 1
		}
	}
	return b
}

// nicheMemo keeps the population after each generation.
type nicheMemo struct {
	size  int
	seed  uint64
	seen  []*individual
	after [][]*individual
}

// of is what survives of all, the oldest first, if P more come at a time.
func (n *nicheMemo) of(all []*individual, size int, points [][]float64, seed uint64) []*individual {
	if n.size != size || n.seed != seed {
		*n = nicheMemo{size: size, seed: seed}
	}
	n.after = n.after[:min(common(n.seen, all)/size, len(n.after))]
	n.seen = append(n.seen[:0], all...)
	var out []*individual
	if len(n.after) > 0 {
		out = n.after[len(n.after)-1]
	}
	for g := len(n.after); g*size < len(all); g++ {
		next := all[g*size : min((g+1)*size, len(all))]
		out = survivors(slices.Concat(out, next), size, points, search.Rand(seed, ^g))
		if len(next) == size {
			n.after = append(n.after, out)
		}
	}
	return out
}

// survivors is the environmental selection of NSGA-III: whole fronts, the best
// first, as long as they fit, and of the next one those in the emptiest niches
// (Deb & Jain 2014, Algorithms 1 and 4).
func survivors(all []*individual, size int, points [][]float64, r *rand.Rand) []*individual {
	var out []*individual
	for _, members := range fronts(all, size) {
		if len(out)+len(members) > size {
			return fillNiches(out, members, size, points, r)
		}
		out = append(out, members...)
	}
	return out
}

// niche is where an individual belongs: the nearest reference line, and the
// distance to it.
type niche struct {
	point    int
	distance float64
}

func fillNiches(kept, last []*individual, size int, points [][]float64, r *rand.Rand) []*individual {
	niches := associate(normalised(slices.Concat(kept, last)), points)
	count := make([]int, len(points))
	for _, n := range niches[:len(kept)] {
		count[n.point]++
	}
	members := make([][]int, len(points)) // of last, the nearest first
	for i, n := range niches[len(kept):] {
		members[n.point] = append(members[n.point], i)
	}
	for p := range members {
		slices.SortStableFunc(members[p], func(a, b int) int {
			return cmp.Compare(niches[len(kept)+a].distance, niches[len(kept)+b].distance)
		})
	}
	out := slices.Clone(kept)
	for len(out) < size {
		var emptiest []int
		for p := range points {
			if len(members[p]) == 0 {
				continue
			}
			if len(emptiest) > 0 && count[p] < count[emptiest[0]] {
				emptiest = emptiest[:0]
			}
			if len(emptiest) == 0 || count[p] == count[emptiest[0]] {
				emptiest = append(emptiest, p)
			}
		}
		p := emptiest[r.IntN(len(emptiest))]
		at := 0 // the nearest of an empty niche, any of another one
		if count[p] > 0 {
			at = r.IntN(len(members[p]))
		}
		out = append(out, last[members[p][at]])
		members[p] = slices.Delete(members[p], at, at+1)
		count[p]++
	}
	return out
}

// associate finds the niche of each point: the reference line from the origin
// with the least perpendicular distance (Algorithm 3).
func associate(losses, points [][]float64) []niche {
	out := make([]niche, len(losses))
	for i, x := range losses {
		out[i].distance = math.Inf(1)
		for p, w := range points {
			var along, square float64
			for k := range x {
				along += x[k] * w[k]
				square += w[k] * w[k]
			}
			d := 0.
			for k := range x {
				off := x[k] - along/square*w[k]
				d += off * off
			}
			if d = math.Sqrt(d); d < out[i].distance {
				out[i] = niche{p, d}
			}
		}
	}
	return out
}

// normalised are the losses from the ideal point on, divided by the intercepts
// of the plane through the extreme points (Algorithm 2). Where there is no such
// plane the worst losses stand for the intercepts.
func normalised(all []*individual) [][]float64 {
	m := len(all[0].losses)
	ideal, worst := slices.Clone(all[0].losses), slices.Clone(all[0].losses)
	for _, x := range all {
		for k, l := range x.losses {
			ideal[k], worst[k] = min(ideal[k], l), max(worst[k], l)
		}
	}
	out := make([][]float64, len(all))
	for i, x := range all {
		out[i] = make([]float64, m)
		for k, l := range x.losses {
			out[i][k] = l - ideal[k]
		}
	}
	by := intercepts(extremes(out))
	for k := range worst {
		if by == nil || !(by[k] > 1e-12) || by[k] > worst[k]-ideal[k] {
			by = make([]float64, m)
			for k := range by {
				by[k] = worst[k] - ideal[k]
			}
			break
		}
	}
	for _, x := range out {
		for k := range x {
			if by[k] > 0 {
				x[k] /= by[k]
			}
		}
	}
	return out
}

// extremes are the points that are best along each axis, by the achievement
// scalarising function max xₖ/wₖ with w nearly the axis (equation 4).
func extremes(losses [][]float64) [][]float64 {
	m := len(losses[0])
	out := make([][]float64, m)
	for axis := range m {
		best := math.Inf(1)
		for _, x := range losses {
			most := 0.
			for k, l := range x {
				if k != axis {
					l /= 1e-6
				}
				most = max(most, l)
			}
			if most < best {
				best, out[axis] = most, x
			}
		}
	}
	return out
}

// intercepts are where the plane through m points meets the axes, nil if the
// points lie in none that meets them all. It solves Σ xₖ/aₖ = 1 by elimination.
func intercepts(points [][]float64) []float64 {
	m := len(points)
	a := make([][]float64, m)
	for i, x := range points {
		a[i] = append(slices.Clone(x), 1)
	}
	for i := range a {
		p := i
		for q := i; q < m; q++ {
			if math.Abs(a[q][i]) > math.Abs(a[p][i]) {
				p = q
			}
		}
		a[i], a[p] = a[p], a[i]
		if math.Abs(a[i][i]) < 1e-12 {
			return nil
		}
		for q := range a {
			if q == i {
				continue
			}
			f := a[q][i] / a[i][i]
			for k := i; k <= m; k++ {
				a[q][k] -= f * a[i][k]
			}
		}
	}
	out := make([]float64, m)
	for i := range out {
		if out[i] = a[i][i] / a[i][m]; !(out[i] > 0) || math.IsInf(out[i], 0) {
			return nil
		}
	}
	return out
}
