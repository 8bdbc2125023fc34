package nas

import (
	"math"
	"math/rand/v2"

	"budwood/search"
)

// ensemble is a Bayesian linear regression on the features of candidates, as some
// draws from its posterior: y = bias + Σ w/√n + ε over the n features of a
// candidate, each weight w with the prior variance weightVariance, ε with
// noiseVariance. A draw is a draw from the prior that is moved by what the trials
// say against it (Matheron's rule; Wilson et al. 2020, equation 9), so that one
// factorisation of a matrix, trials by trials, does for all.
type ensemble struct {
	index   featureIndex
	weights [][ensembleSize]float64 // by feature
	bias    float64
}

const (
	ensembleSize   = 7
	weightVariance = 10.
	noiseVariance  = 1.
)

// fitEnsemble fits to features, by candidate, and values.
func fitEnsemble(x [][]uint32, y []float64, r *rand.Rand) *ensemble {
	e := &ensemble{}
	ids := make([][]int32, len(x))
	for i := range x {
		e.bias += y[i] / float64(len(y))
		ids[i] = make([]int32, len(x[i]))
		for k, f := range x[i] {
			ids[i][k] = e.index.add(f)
		}
	}
	root := make([]float64, len(x)) // of the numbers of features
	for i := range x {
		root[i] = math.Sqrt(float64(max(len(x[i]), 1)))
	}
	a := covariance(ids, len(e.index.features), root)
	factor(a)
	e.weights = make([][ensembleSize]float64, len(e.index.features))
	b := make([]float64, len(x))
	for m := range ensembleSize {
		for f := range e.weights {
			e.weights[f][m] = math.Sqrt(weightVariance) * r.NormFloat64()
		}
		for i := range x {
			said := 0.
			for _, f := range ids[i] {
				said += e.weights[f][m]
			}
			b[i] = y[i] - e.bias - said/root[i] - math.Sqrt(noiseVariance)*r.NormFloat64()
		}
		solve(a, b)
		for i := range x {
			for _, f := range ids[i] {
				e.weights[f][m] += weightVariance * b[i] / root[i]
			}
		}
	}
	return e
}

// covariance of any two candidates' values, noise included: the lower triangle.
func covariance(ids [][]int32, features int, root []float64) [][]float64 {
	k := make([][]float64, len(ids))
	with := make([][]int32, features) // the candidates so far that have a feature
	for i := range ids {
		k[i] = make([]float64, i+1)
		for _, f := range ids[i] {
			with[f] = append(with[f], int32(i))
			for _, j := range with[f] {
				k[i][j]++
			}
		}
		for j := range k[i] {
			k[i][j] *= weightVariance / (root[i] * root[j])
		}
		k[i][i] += noiseVariance
	}
	return k
}

// predict is the mean and the standard deviation of what the draws say of a
// candidate. A feature that no trial had may be worth anything.
func (e *ensemble) predict(x []uint32) (mean, deviation float64) {
	var out [ensembleSize]float64
	n, unknown := float64(max(len(x), 1)), 0.
	for _, f := range x {
		at := e.index.of(f)
		if at < 0 {
			unknown++
			continue
		}
		for m, w := range &e.weights[at] {
			out[m] += w
		}
	}
	for _, o := range out {
		mean += o / math.Sqrt(n) / ensembleSize
	}
	variance := unknown / n * weightVariance
	for _, o := range out {
		d := o/math.Sqrt(n) - mean
		variance += d * d / (ensembleSize - 1)
	}
	return mean + e.bias, math.Sqrt(variance)
}

// ensembleMemo keeps the last ensemble and what it was fitted to.
type ensembleMemo struct {
	seed uint64
	seen []*individual
	of   *ensemble
}

// fitted is the ensemble of the past, nil if no trial has losses. It is fitted
// anew with every tenth more trials, at most with every ten, as BANANAS does.
func (m *ensembleMemo) fitted(s *Space, all []*individual, req search.Request) *ensemble {
	all = all[:len(all)-len(all)%min(max(len(all)/10, 1), 10)]
	if len(all) == 0 {
		return nil
	}
	if m.of != nil && m.seed == req.Seed && len(m.seen) == len(all) && common(m.seen, all) == len(all) {
		return m.of
	}
	var x [][]uint32
	var y []float64
	seen := map[*individual]bool{}
	learn := func(i *individual) {
		c, ok := s.candidate(i)
		if !ok || seen[i] {
			return
		}
		seen[i] = true
		if i.net.features == nil {
			i.net.features = encode(c.genome, req.Space, i.params)
		}
		x, y = append(x, i.net.features), append(y, i.losses[0])
	}
	for _, i := range best(all, learnFrom) {
		learn(i)
	}
	for _, i := range all[max(len(all)-learnFrom, 0):] {
		learn(i)
	}
	if len(x) == 0 {
		return nil
	}
	*m = ensembleMemo{req.Seed, append(m.seen[:0], all...), fitEnsemble(x, placed(y), search.Rand(req.Seed, ^len(all)))}
	return m.of
}

// featureIndex numbers features in the order in which they are added: a map that
// is looked into very often (open addressing with linear probing).
type featureIndex struct {
	features []uint32
	slots    []int32 // one more than the number; at least twice as many as features
}

// of is the number of a feature, -1 if it has none.
func (x *featureIndex) of(f uint32) int32 {
	if len(x.slots) == 0 {
		return -1
	}
	for at := f; ; at++ {
		switch n := x.slots[at&uint32(len(x.slots)-1)]; {
		case n == 0:
			return -1
		case x.features[n-1] == f:
			return n - 1
		}
	}
}

// add is the number of a feature, which gets one if it has none.
func (x *featureIndex) add(f uint32) int32 {
	if n := x.of(f); n >= 0 {
		return n
	}
	x.features = append(x.features, f)
	if 2*len(x.features) > len(x.slots) {
		x.slots = make([]int32, max(2*len(x.slots), 256))
		for n, f := range x.features {
			x.put(f, int32(n))
		}
	} else {
		x.put(f, int32(len(x.features)-1))
	}
	return int32(len(x.features) - 1)
}

func (x *featureIndex) put(f uint32, n int32) {
	at := f
	for x.slots[at&uint32(len(x.slots)-1)] != 0 {
		at++
	}
	x.slots[at&uint32(len(x.slots)-1)] = n + 1
}

// factor is Cholesky's decomposition of a positive definite matrix, of which the
// lower triangle is given, in place.
func factor(a [][]float64) {
	for i, row := range a {
		for j := range i + 1 {
			sum := row[j]
			other := a[j][:j]
			for k, v := range row[:j] {
				sum -= v * other[k]
			}
			if i == j {
				row[i] = math.Sqrt(max(sum, 1e-12))
			} else {
				row[j] = sum / a[j][j]
			}
		}
	}
}

// solve solves L·Lᵀ·x = b; b becomes x.
func solve(l [][]float64, b []float64) {
	for i, row := range l {
		for k, v := range row[:i] {
			b[i] -= v * b[k]
		}
		b[i] /= row[i]
	}
	for i := len(l) - 1; i >= 0; i-- {
		b[i] /= l[i][i]
		for k, v := range l[i][:i] {
			b[k] -= v * b[i]
		}
	}
}
