package nas

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// Predictor is a predictor-guided search (after BANANAS; White et al. 2021): an
// ensemble learns from the trials what a genome's loss will be, and each trial is
// the best of many mutants of the best networks so far, by independent Thompson
// sampling: every mutant is judged by a draw from the ensemble's normal
// distribution for it. The first trials are random.
//
// A genome is encoded by the decisions of its derivation, each at its place and
// each wherever it stands, and by the paths through its cells; the ensemble is
// ridge regressions on random parts of the trials, of at most the best 100 and
// the youngest 100. A proposal takes some milliseconds.
type Predictor struct {
	Space *Space
	First int // random trials; 0 means 20
	Pool  int // mutants judged for one trial; 0 means 100
}

var _ search.Sampler = Predictor{}

const (
	ensembleSize = 7
	learnFrom    = 100 // of the best trials, and of the youngest
	breedFrom    = 10  // of the best trials
	ridge        = 1.
)

// Propose judges mutants of the best.
func (s Predictor) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	first, pool := positive(s.First, 20), positive(s.Pool, 100)
	var models ensemble
	var parents []candidate
	if s.Space != nil && req.First+req.N > first {
		known := individuals(mainObjective(req), 0, first)
		models, parents = s.learn(known, search.Rand(req.Seed, ^len(req.Past)))
	}
	judged := map[int][]candidate{} // by trial, the best first
	return propose(ctx, s.Space, req, func(trial, try int, r *rand.Rand) (candidate, bool) {
		if trial < first || len(parents) == 0 || try >= pool { // all that was judged had been tried
			return sampled(r, s.Space, req.Space), false
		}
		if judged[trial] == nil {
			judged[trial] = s.judge(r, models, parents, req.Space, pool)
		}
		return judged[trial][try], false
	})
}

// learn fits the ensemble and picks the parents of what will be proposed.
func (s Predictor) learn(known []individual, r *rand.Rand) (ensemble, []candidate) {
	young := known[:min(len(known), learnFrom)]
	byLoss := slices.Clone(known)
	slices.SortStableFunc(byLoss, func(a, b individual) int { return cmp.Compare(a.losses[0], b.losses[0]) })
	var parents []candidate
	for _, i := range byLoss {
		if c, ok := s.Space.candidate(i); ok {
			if parents = append(parents, c); len(parents) == breedFrom {
				break
			}
		}
	}
	seen := map[int]bool{}
	var x [][]uint32
	var y []float64
	for _, i := range slices.Concat(byLoss[:min(len(byLoss), learnFrom)], young) {
		c, ok := s.Space.candidate(i)
		if !ok || seen[i.trial] {
			continue
		}
		seen[i.trial] = true
		x, y = append(x, encode(c.genome)), append(y, i.losses[0])
	}
	return fitEnsemble(x, placed(y), r), parents
}

// placed are the normal scores of values: what is far off does not bend the fit.
func placed(y []float64) []float64 {
	out := ranks(y)
	for i := range out {
		out[i] = math.Sqrt2 * math.Erfinv(2*(out[i]+.5)/float64(len(out))-1)
	}
	return out
}

// judge draws mutants and sorts them by what the ensemble says of each.
func (s Predictor) judge(r *rand.Rand, models ensemble, parents []candidate, hyper search.Space, n int) []candidate {
	type scored struct {
		candidate
		score float64
	}
	all := make([]scored, n)
	for i := range all {
		c, _ := s.Space.child(r, parents[i%len(parents)], hyper)
		mean, deviation := models.predict(encode(c.genome))
		all[i] = scored{c, mean + deviation*r.NormFloat64()}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	out := make([]candidate, n)
	for i := range all {
		out[i] = all[i].candidate
	}
	return out
}

// ensemble is ridge regressions: a weight of each for every feature of the trials
// learned from. They are fitted in their dual form, a weight for each trial, of
// which there are fewer.
type ensemble struct {
	weights map[uint32]*[ensembleSize]float64
	bias    [ensembleSize]float64
}

// fitEnsemble fits each model on a random four fifths of the trials.
func fitEnsemble(x [][]uint32, y []float64, r *rand.Rand) ensemble {
	e := ensemble{weights: map[uint32]*[ensembleSize]float64{}}
	n := len(x)
	k := sharedFeatures(x)
	for m := range e.bias {
		part := r.Perm(n)[:(4*n+4)/5]
		slices.Sort(part)
		for _, i := range part {
			e.bias[m] += y[i] / float64(len(part))
		}
		a, b := make([][]float64, len(part)), make([]float64, len(part))
		for i, p := range part {
			a[i] = make([]float64, i+1)
			for j := range i + 1 {
				a[i][j] = k[p][part[j]]
			}
			a[i][i] += ridge
			b[i] = y[p] - e.bias[m]
		}
		solve(a, b)
		for i, p := range part {
			w := b[i] * kernelScale / math.Sqrt(float64(len(x[p])))
			for _, f := range x[p] {
				if e.weights[f] == nil {
					e.weights[f] = new([ensembleSize]float64)
				}
				e.weights[f][m] += w
			}
		}
	}
	return e
}

func (e *ensemble) predict(x []uint32) (mean, deviation float64) {
	var out [ensembleSize]float64
	for _, f := range x {
		if w := e.weights[f]; w != nil {
			for m := range out {
				out[m] += w[m]
			}
		}
	}
	for m := range out {
		out[m] = out[m]/math.Sqrt(float64(max(len(x), 1))) + e.bias[m]
		mean += out[m] / ensembleSize
	}
	for _, o := range out {
		deviation += (o - mean) * (o - mean) / (ensembleSize - 1)
	}
	return mean, math.Sqrt(deviation)
}

// solve solves A·x = b for a positive definite A, of which the lower triangle is
// given, by Cholesky's decomposition in place; b becomes x.
func solve(a [][]float64, b []float64) {
	for i := range a {
		for j := range i + 1 {
			sum := a[i][j]
			for k, v := range a[j][:j] {
				sum -= a[i][k] * v
			}
			if i == j {
				a[i][i] = math.Sqrt(max(sum, 1e-12))
			} else {
				a[i][j] = sum / a[j][j]
			}
		}
	}
	for i := range a {
		for k, v := range a[i][:i] {
			b[i] -= v * b[k]
		}
		b[i] /= a[i][i]
	}
	for i := len(a) - 1; i >= 0; i-- {
		b[i] /= a[i][i]
		for k, v := range a[i][:i] {
			b[k] -= v * b[i]
		}
	}
}
