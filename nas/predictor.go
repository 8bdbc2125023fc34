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
// ensemble learns from the trials what a candidate's loss will be, and each trial is
// the best of many candidates, by independent Thompson sampling: each is scored by a
// draw from the normal distribution that the ensemble gives for it. Some are random,
// the others mutants of the best networks so far: those alone get stuck. The first
// trials are random.
//
// A network is encoded by the decisions of its derivation, each at its place and
// each wherever it stands, and by the paths through its cells, together with the
// hyperparameters; the ensemble is a Bayesian linear regression on the best 100 and
// the youngest 100 to 199 trials. The losses are those of the first
// objective, at the largest budget at which at least as many trials as there are
// first ones can be compared.
type Predictor struct {
	Space *Space
	First int // random trials; 0 means 20
	Pool  int // candidates scored for one trial; 0 means 50
}

var _ search.Sampler = Predictor{}

const (
	learnBest  = 100 // trials, if there are more than these and the youngest
	learnYoung = 100 // trials at least
	learnAnew  = 100 // trials, after which others are chosen
	breedFrom  = 10  // of the best trials
	explore    = .4  // of the candidates are random
	exploreTo  = 8   // decisions; where networks have more, there is less of both
)

// boldness scales what is explored, random candidates and the deviations of scores: 1
// for networks of up to exploreTo decisions, and less where there are more. A large
// space cannot be explored: draws that differ from the mean in so many decisions
// drown what was learned.
func (s *Space) boldness(parents []candidate) float64 {
	sum := 0
	for i := range parents {
		sum += s.root.decisions(&parents[i].genome.root)
	}
	return min(exploreTo*float64(len(parents))/float64(max(sum, 1)), 1)
}

// Propose judges mutants of the best, and others.
func (s Predictor) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	begin, pool := positive(s.First, 20), positive(s.Pool, 50)
	return propose(ctx, s.Space, req, func(m *memo) drawFunc {
		var model *ensemble
		var parents []candidate
		if req.First+req.N > begin {
			all := m.individuals(mainGoal(req), begin)
			model = m.ensemble.fitted(s.Space, all, req)
			for _, i := range best(all, 2*breedFrom) {
				if c, ok := s.Space.candidate(i); ok && len(parents) < breedFrom {
					parents = append(parents, c)
				}
			}
		}
		var queue []offspring // of a trial, the best last
		of := -1
		return func(trial, _ int, r *rand.Rand) (candidate, bool) {
			if trial < begin || model == nil || len(parents) == 0 {
				return sampled(r, s.Space, req.Space), false
			}
			if trial != of {
				queue, of = s.judge(r, model, parents, req.Space, pool), trial
			}
			for len(queue) > 0 {
				o := queue[len(queue)-1]
				queue = queue[:len(queue)-1]
				if o.known || !s.Space.sameAsParent(&o) && s.Space.fits(o.genome) {
					return o.candidate(), o.known
				}
			}
			return sampled(r, s.Space, req.Space), false // all that was scored had been tried
		}
	})
}

// judge draws candidates and sorts them by what the ensemble says of each, the best
// last.
func (s Predictor) judge(r *rand.Rand, model *ensemble, parents []candidate, hyper search.Space, n int) []offspring {
	type scored struct {
		number int
		score  float64
	}
	all, order := make([]offspring, n), make([]scored, n)
	bold := s.Space.boldness(parents)
	var e encoder
	for i := range all {
		if i < int(explore*bold*float64(n)) {
			all[i] = offspring{genome: Genome{s.Space.root.sample(r)}, point: hyper.Sample(r)}
		} else {
			all[i] = bred(r, &parents[i%len(parents)], hyper, s.Space.varied)
		}
		mean, deviation := model.predict(e.encode(all[i].genome, hyper, all[i].point))
		order[i] = scored{i, mean + bold*deviation*r.NormFloat64()}
	}
	slices.SortStableFunc(order, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	out := make([]offspring, n)
	for k, o := range order {
		out[k] = all[o.number]
	}
	return out
}

func (s *Space) sameAsParent(o *offspring) bool {
	return o.parent != nil && s.mark(o.genome) == s.mark(o.parent.genome)
}

// placed are the normal scores of values: what is far off does not bend the fit.
func placed(y []float64) []float64 {
	out := search.Ranks(y)
	for i := range out {
		out[i] = math.Sqrt2 * math.Erfinv(2*(out[i]+.5)/float64(len(out))-1)
	}
	return out
}
