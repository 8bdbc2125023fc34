package hpo

import (
	"math"
	"slices"

	"budwood/search"
)

// shares are how much of the next trials each sampler of [Auto] is to propose: what is
// believed of it, as the posterior of a model. Each of the last results is an event, of
// which every model has said how likely it is, knowing the results before it alone
// (prequential likelihood; Dawid 1984): whether its loss is among the best of all, and
// whether it is below the median of the youngest. Only ranks count, so that a model that
// foretells losses well where it repeats itself, and no ranks, has no advantage.
type shares struct{ gp, tpe, fill float64 }

const (
	creditLast   = 30  // results that count
	creditFade   = .93 // and how much less each one before
	creditRecent = 15  // results whose median is one of the marks
	creditSure   = .02 // no model is surer than that
	creditBad    = 100 // of the worse trials, for the densities
)

// What is believed before there are results, as logarithms: the process needs the fewest
// trials on most problems, but not if it takes all that the losses differ by for noise
// (priorNoise). It fades, more slowly than results do.
const (
	priorGP, priorTPE, priorFill = 0., -2., -4.
	priorNoise                   = -4.
	priorFade                    = .97
)

// forecast are the probabilities that a model gave to what came: logarithms, added up.
// Densities are surer than they should be, some more than others, so that of TPE there
// are several, with the logarithm of the ratio of the densities times each of tempers.
type forecast struct {
	gp, fill float64
	tpe      [len(tempers)]float64
	prior    float64 // how much what was believed before still counts
	noise    float64 // the share of what the losses differ by that is noise to the process
}

var tempers = [...]float64{.25, .5, 1}

// foretell is the forecast of the last results. m has seen all of them.
func (a *Auto) foretell(req search.Request, p past, m *gpModel) (sum forecast) {
	n := len(p.results)
	sum.noise = m.h.noise / (1 + m.h.noise)
	sum.prior = math.Pow(priorFade, float64(max(n-startup(len(m.c.dims)), 0)))
	first := max(n-creditLast, startup(len(m.c.dims)))
	if first >= n {
		return sum
	}
	a.memo.hashAll()
	c := newCube(req.Space)
	key := uint64(14695981039346656037)
	losses := make([]float64, 0, n) // sorted, those before
	for k, r := range p.results {
		if k >= first {
			f := forecast{}
			marks := [2]float64{losses[goodOf(k)-1], medianOf(p.results[max(k-creditRecent, 0):k])}
			tpe := a.densities(req, c, p.results[:k+1], marks, key)
			for j, mark := range marks {
				if r.loss == mark { // a tie says nothing
					continue
				}
				below, _ := slices.BinarySearch(losses, mark)
				even := (float64(below) + .5) / float64(k+1)
				gp, ok := m.below(r.record, mark)
				if !ok {
					continue
				}
				f.gp += logChance(gp, r.loss < mark) / 2
				for i, by := range tempers {
					f.tpe[i] += logChance(1/(1+math.Exp(-tpe[j].prior-by*tpe[j].ratio)), r.loss < mark) / 2
				}
				f.fill += logChance(even, r.loss < mark) / 2
			}
			w := math.Pow(creditFade, float64(n-1-k))
			sum.gp, sum.fill = sum.gp+w*f.gp, sum.fill+w*f.fill
			for i, v := range f.tpe {
				sum.tpe[i] += w * v
			}
		}
		at, _ := slices.BinarySearch(losses, r.loss)
		losses = slices.Insert(losses, at, r.loss)
		key = chain(key, a.memo.known[r.record].hash)
		key = chain(key, math.Float64bits(r.loss))
	}
	return sum
}

// chain is the hash of what had a hash, and one thing more.
func chain(key, next uint64) uint64 {
	key = (key ^ next) * 1099511628211
	return key ^ key>>29
}

// logChance is the logarithm of what an event, or that it does not come, was given.
func logChance(p float64, came bool) float64 {
	p = min(max(p, creditSure), 1-creditSure)
	if !(p == p) {
		p = .5
	}
	if came {
		return math.Log(p)
	}
	return math.Log1p(-p)
}

// medianOf is that of the losses of results.
func medianOf(of []ranked) float64 {
	x := make([]float64, len(of))
	for i, r := range of {
		x[i] = r.loss
	}
	slices.Sort(x)
	return x[len(x)/2]
}

// judged is what two densities say of a result: the logarithms of the odds that it is
// one of the good ones, without the densities, and of their ratio.
type judged struct{ prior, ratio float64 }

// densities are what two densities, as those of TPE, say of the last of the results,
// with the others below each of the marks as good ones. key stands for the others.
func (a *Auto) densities(req search.Request, c *cube, results []ranked, marks [2]float64, key uint64) (out [2]judged) {
	k := len(results) - 1
	key = chain(key, a.memo.known[results[k].record].hash)
	if out, ok := a.foretold[key]; ok {
		return out
	}
	before := results[:k]
	x := c.vector(req.Past[results[k].record].Params)
	order := rank(before)
	for j, mark := range marks {
		var good, bad [][]float64
		n := 0
		for _, r := range order {
			if r.loss < mark || j == 0 && n < goodOf(k) {
				n++
			}
		}
		for _, r := range order[:min(n, tpeMostGood)] {
			good = append(good, c.vector(req.Past[r.record].Params))
		}
		rest := order[n:]
		for i := range min(len(rest), creditBad) {
			bad = append(bad, c.vector(req.Past[rest[i*len(rest)/min(len(rest), creditBad)].record].Params))
		}
		share := (float64(n) + .5) / float64(k+1)
		out[j] = judged{math.Log(share / (1 - share)), newParzen(c, good, nil).logDensity(x) - newParzen(c, bad, nil).logDensity(x)}
	}
	if a.foretold == nil || len(a.foretold) >= 1<<12 {
		a.foretold = map[uint64][2]judged{}
	}
	a.foretold[key] = out
	return out
}

// shares are those of a forecast.
func (f forecast) shares() shares {
	tpe := logSumExp(f.tpe[:]) - math.Log(float64(len(tempers)))
	l := []float64{f.prior*(priorGP+f.noise*priorNoise) + f.gp, f.prior*priorTPE + tpe, f.prior*priorFill + f.fill}
	sum := logSumExp(l)
	return shares{math.Exp(l[0] - sum), math.Exp(l[1] - sum), math.Exp(l[2] - sum)}
}

// below is the probability that the process gave, before it knew a trial, to a loss of
// it below a mark; ok is false if the process does not see it. The factor of the kernel
// has what is expected of each trial given those before: with z = L⁻¹(y − μ) the error
// of the prediction is z·L_ii, and its deviation s·L_ii.
func (m *gpModel) below(record int, mark float64) (p float64, ok bool) {
	i, ok := slices.BinarySearchFunc(m.records, record, func(a, b int) int { return a - b })
	if !ok {
		return 0, false
	}
	if m.errors == nil {
		n := len(m.y)
		centred := make([]float64, n)
		for j, y := range m.y {
			centred[j] = y - m.p.mean
		}
		m.errors = make([]float64, n)
		f := m.p.f.first(n)
		f.half(centred, m.errors)
	}
	at := m.p.f.l[i][i]
	mu := m.y[i] - m.errors[i]*at
	return cdf((m.out.apply([]float64{mark})[0] - mu) / (at * math.Sqrt(m.p.variance))), true
}

// idle is the number of results since the last one that was better than those before by
// more than noise explains, and by more than anybody would notice.
func (m *gpModel) idle(p past) int {
	const noticed = 1e-5 // of the distance of the median from the least
	spread := medianOf(p.results) - p.ranked[0].loss
	bar := 2 * math.Sqrt(m.h.noise*m.p.variance)
	best, top, last := math.Inf(1), math.Inf(1), 0
	for i, r := range p.results {
		y := m.out.apply([]float64{r.loss})[0]
		if y < best-bar && r.loss < top-noticed*spread {
			best, top, last = y, r.loss, i
		}
	}
	return len(p.results) - 1 - last
}

// tied is the share of the results that are as good as the best one, 0 if it is alone or
// has one other.
func tied(p past) float64 {
	n := 0
	for _, r := range p.ranked {
		if r.loss != p.ranked[0].loss {
			break
		}
		n++
	}
	if n < 3 {
		return 0
	}
	return float64(n) / float64(len(p.ranked))
}
