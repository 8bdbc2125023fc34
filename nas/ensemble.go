package nas

import (
	"math"
	"math/rand/v2"
)

// ensemble is a Bayesian linear regression on the features of candidates: y = bias
// + Σ w/√n + ε over the n features of a candidate, each weight w with the prior
// variance weightVariance, ε with noiseVariance. It is the mean of the posterior and
// some draws of how far the truth may be from it. Such a draw is one from the prior
// that is moved by what the trials say against it (Matheron's rule; Wilson et al.
// 2020, equation 9). The draws of weights belong to the features, those of noise to
// the trials, and none to their order (ensemble sampling; Lu & Van Roy 2017), so
// that one more trial is one more row in the factor of the trials' covariance.
type ensemble struct {
	seed     uint64
	features featureIndex
	prior    []draws   // by feature: weights
	weights  []draws   // by feature, after fit
	with     [][]int32 // by feature: the rows that have it
	rows     []row
	factor   cholesky // of the rows' covariance, noise included
	bias     float64
}

// row is a trial that is learned from.
type row struct {
	features []int32
	root     float64 // of their number
	against  draws   // what the draws are moved by: what the prior says of it, and noise
}

// draws are numbers for the mean and for each draw around it.
type draws [1 + ensembleDraws]float64

const (
	ensembleDraws  = 7
	weightVariance = 10.
	noiseVariance  = 1.
)

// add adds factor·x.
func (d *draws) add(factor float64, x *draws) {
	for m := range d {
		d[m] += factor * x[m]
	}
}

// set makes it factor·x.
func (d *draws) set(factor float64, x *draws) {
	for m := range d {
		d[m] = factor * x[m]
	}
}

// learn adds a trial that has features.
func (e *ensemble) learn(trial int, features []uint32) {
	n := len(e.rows)
	r := row{features: make([]int32, len(features)), root: math.Sqrt(float64(max(len(features), 1)))}
	covariance := make([]float64, n+1)
	for k, f := range features {
		at := e.features.add(f)
		if int(at) == len(e.prior) {
			e.prior, e.with = append(e.prior, e.drawn('w', uint64(f), weightVariance)), append(e.with, nil)
		}
		r.features[k] = at
		r.against.add(-1/r.root, &e.prior[at])
		e.with[at] = append(e.with[at], int32(n))
		for _, j := range e.with[at] {
			covariance[j]++
		}
	}
	noise := e.drawn('n', uint64(trial), noiseVariance)
	r.against.add(-1, &noise)
	e.rows = append(e.rows, r)
	for j := range covariance {
		covariance[j] *= weightVariance / (r.root * e.rows[j].root)
	}
	covariance[n] += noiseVariance
	e.factor.push(covariance)
}

// forget takes back all but the first n trials.
func (e *ensemble) forget(n int) {
	for i := len(e.rows) - 1; i >= n; i-- {
		for _, f := range e.rows[i].features {
			e.with[f] = e.with[f][:len(e.with[f])-1]
		}
	}
	e.rows, e.factor = e.rows[:n], e.factor[:n]
}

// drawn are draws around the mean, of something of that kind and number.
func (e *ensemble) drawn(kind, number uint64, variance float64) (d draws) {
	var source rand.PCG
	source.Seed(mix(e.seed, kind), number)
	r := rand.New(&source)
	for m := 1; m < len(d); m++ {
		d[m] = math.Sqrt(variance) * r.NormFloat64()
	}
	return d
}

// fit moves the draws by the trials' values.
func (e *ensemble) fit(y []float64) {
	e.bias = 0
	for _, v := range y {
		e.bias += v / float64(len(y))
	}
	moves := make([]draws, len(y))
	for i := range moves {
		moves[i] = e.rows[i].against
		moves[i][0] = y[i] - e.bias
	}
	e.factor.solve(moves)
	e.weights = append(e.weights[:0], e.prior...)
	for i := range e.rows {
		r := &e.rows[i]
		for _, f := range r.features {
			e.weights[f].add(weightVariance/r.root, &moves[i])
		}
	}
}

// predict is the mean and the standard deviation of a candidate's value.
func (e *ensemble) predict(features []uint32) (mean, deviation float64) {
	var sum draws
	for _, f := range features {
		if at := e.features.of(f); at >= 0 {
			sum.add(1, &e.weights[at])
		} else { // no trial has it
			w := e.drawn('w', uint64(f), weightVariance)
			sum.add(1, &w)
		}
	}
	n := float64(max(len(features), 1))
	variance := 0.
	for _, d := range sum[1:] {
		variance += d * d / n / ensembleDraws
	}
	return e.bias + sum[0]/math.Sqrt(n), math.Sqrt(variance)
}
