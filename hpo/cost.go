package hpo

import (
	"math"

	"budwood/search"
)

// CostMetric is the cost that a sampler saves: it prefers the larger improvement for
// a unit of it (expected improvement per second; Snoek, Larochelle & Adams 2012,
// Section 3.2).
type CostMetric string

// The costs, as the records have them.
const (
	Energy CostMetric = "energy" // joules
	Time   CostMetric = "time"   // seconds of training
)

// costModel predicts the cost of a unit of budget: a kernel regression of its
// logarithm (Nadaraya 1964, Watson 1964) with the kernels of TPE. The cost of a
// unit is compared, for what a trial will be given is the scheduler's to decide.
type costModel struct {
	kernels *parzen
	values  []float64 // log costs
	mean    float64   // of them
}

// newCostModel is nil if no record has a cost.
func newCostModel(req search.Request, c *cube, of CostMetric) *costModel {
	if of == "" {
		return nil
	}
	const most = 300 // the latest
	m := &costModel{}
	var x [][]float64
	for i := len(req.Past) - 1; i >= 0 && len(x) < most; i-- {
		r := &req.Past[i]
		v, ok := unitCost(r, of)
		if !ok {
			continue
		}
		x, m.values = append(x, c.vector(r.Params)), append(m.values, v)
	}
	if len(x) == 0 {
		return nil
	}
	for _, v := range m.values {
		m.mean += v / float64(len(m.values))
	}
	m.kernels = newParzen(c, x, nil)
	return m
}

// log is the log cost of a unit of budget that is expected at a vector.
func (m *costModel) log(x []float64) float64 {
	m.kernels.logDensity(x) // leaves the share of each component in acc
	acc := m.kernels.acc
	top := math.Inf(-1)
	for _, a := range acc {
		top = max(top, a)
	}
	sum, total := 0., 0.
	for i, a := range acc {
		w := math.Exp(a - top)
		v := m.mean // of the prior
		if i < len(m.values) {
			v = m.values[i]
		}
		sum, total = sum+w*v, total+w
	}
	return sum / total
}
