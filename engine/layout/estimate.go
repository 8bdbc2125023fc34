package layout

// Estimate is what a plan is predicted to take.
type Estimate struct {
	Plan   Plan    `json:"plan"`
	Time   Time    `json:"time"`
	Sent   Sent    `json:"sent"`
	Stages []Stage `json:"stages"`
}

// Time is of a step, in seconds.
type Time struct {
	Step      float64 `json:"step"`
	Compute   float64 `json:"compute"`   // of the slowest stage
	Bubble    float64 `json:"bubble"`    // it waits for other stages
	Wire      float64 `json:"wire"`      // it waits for what is sent
	Optimizer float64 `json:"optimizer"` // it changes the weights
	Spread    float64 `json:"spread"`    // it waits for the slowest machine
}

// Sent is the bytes that a rank of the busiest stage sends in a step.
type Sent struct {
	Gradients  float64 `json:"gradients"`
	Parameters float64 `json:"parameters"`
	Tensor     float64 `json:"tensor"`
	Stages     float64 `json:"stages"`
}

// Total is the sum.
func (s Sent) Total() float64 { return s.Gradients + s.Parameters + s.Tensor + s.Stages }

// Stage is a piece of the network that a rank has.
type Stage struct {
	Layers [][2]int `json:"layers"` // of each chunk: from, to (not included)
	Memory Memory   `json:"memory"`
}

// Memory is what the largest rank holds.
func (e *Estimate) Memory() Memory {
	var most Memory
	for _, s := range e.Stages {
		if s.Memory.Total() > most.Total() {
			most = s.Memory
		}
	}
	return most
}

// sent is the bytes that a rank of stage i sends in a step.
func (c *costs) sent(p Plan, pieces, stages []stage, i int) (out Sent) {
	s := &stages[i]
	n, t, m := float64(p.Data/p.Threads), float64(p.Tensor), float64(p.MicroBatches)
	b := c.samples(p) * float64(p.Threads)
	share := (n - 1) / n
	grads, weights := share*c.state.Gradients*s.params, share*c.state.Weights*s.params
	switch p.Zero {
	case 0:
		out.Gradients = 2 * grads
	case 1:
		out.Gradients, out.Parameters = grads, weights
	case 2:
		out.Gradients, out.Parameters = m*grads, weights
	case 3:
		out.Gradients, out.Parameters = m*min(grads, weights), 2*m*weights
	}
	sums := 2 * s.summed
	if p.Recompute != RecomputeNone {
		sums += s.summedAgain
	}
	out.Tensor = 2 * (t - 1) / t * sums * b * m
	for q := i; q < len(pieces) && p.Pipeline > 1; q += p.Pipeline {
		if q+1 < len(pieces) {
			out.Stages += pieces[q+1].input / t * b * m
		}
		if q > 0 {
			out.Stages += pieces[q].input / t * b * m
		}
	}
	return out
}
