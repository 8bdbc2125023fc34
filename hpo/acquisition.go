package hpo

import (
	"fmt"
	"math"
)

// acquisition is the acquisition function of GP, whose value is the logarithm of
// the expected improvement of the loss times the odds of a point.
type acquisition struct {
	*posterior
	odds
}

// odds are what an improvement is weighed by: the probability that the point is
// feasible (Gardner et al. 2014, Section 3), for a unit of cost (Snoek,
// Larochelle & Adams 2012, Section 3.2), in logarithms.
type odds struct {
	feasible *posterior // of −1 for feasible trials and 1 for others: feasible is what is less than 0; nil without infeasible trials
	cost     *posterior // of the log cost of a unit of budget; nil: costs do not count
}

// of are those of a point.
func (o odds) of(x []float64) float64 {
	v := 0.
	if o.feasible != nil {
		mu, sigma := o.feasible.predict(x)
		v, _ = logCDF(-mu / sigma)
	}
	if o.cost != nil {
		v -= o.cost.predictMean(x)
	}
	return v
}

// jitter is the most that a factor of these processes and of others needed.
func (o odds) jitter(others ...*posterior) float64 {
	most := 0.
	for _, p := range append(others, o.feasible, o.cost) {
		if p != nil {
			most = max(most, p.f.jitter)
		}
	}
	return most
}

// learned says what they know, and which numerical trouble there was.
func (o odds) learned(infeasible int, cost CostMetric, others ...*posterior) string {
	s := ""
	if infeasible > 0 {
		s += fmt.Sprintf(", and where %d were infeasible", infeasible)
	}
	if o.cost != nil {
		s += fmt.Sprintf(", for the %s of a trial", cost)
	}
	if j := o.jitter(others...); j > 0 {
		s += fmt.Sprintf("; a Cholesky factor needed jitter of %.0e", j)
	}
	return s
}

// value is the acquisition value of a point.
func (p *acquisition) value(x []float64) float64 {
	mu, sigma := p.predict(x)
	v, _, _ := logEI(p.best, mu, sigma)
	return v + p.odds.of(x)
}

// gradient is value, and writes its gradient along the parameters listed.
func (p *acquisition) gradient(x []float64, along []int, gradient []float64) float64 {
	clear(gradient)
	mu, sigma := p.approach(x)
	v, byMu, bySigma := logEI(p.best, mu, sigma)
	p.slopes(x, along, sigma, byMu, bySigma, gradient)
	if p.feasible != nil {
		mu, sigma := p.feasible.approach(x)
		w, slope := logCDF(-mu / sigma)
		v += w
		p.feasible.slopes(x, along, sigma, -slope/sigma, slope*mu/(sigma*sigma), gradient)
	}
	if p.cost != nil {
		mu, sigma := p.cost.approach(x)
		v -= mu
		p.cost.slopes(x, along, sigma, -1, 0, gradient)
	}
	return v
}

// logCDF is log Φ(z) and its derivative φ(z)/Φ(z).
func logCDF(z float64) (v, slope float64) {
	if z > 0 {
		c := 1 - .5*math.Erfc(z/math.Sqrt2)
		return math.Log(c), math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) / c
	}
	e := erfcx(-z / math.Sqrt2)
	return math.Log(e/2) - z*z/2, math.Sqrt(2/math.Pi) / e
}
