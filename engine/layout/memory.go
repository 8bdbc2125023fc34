package layout

import "math"

// Memory is what a rank holds, in bytes.
type Memory struct {
	Parameters  float64 `json:"parameters"`
	Gradients   float64 `json:"gradients"`
	Optimizer   float64 `json:"optimizer"`
	Activations float64 `json:"activations"`
	Wire        float64 `json:"wire"` // buffers: layers or buckets that are gathered
}

// Total is the sum.
func (m Memory) Total() float64 {
	return m.Parameters + m.Gradients + m.Optimizer + m.Activations + m.Wire
}

// Sharded is the state of Ψ = params parameters on one of n ranks (Rajbhandari et al.
// 2020, figure 1): zero 1 shares the optimizer's, 2 the gradients too, 3 everything.
// Buffers are not in it.
func Sharded(zero, n int, params float64, s State) Memory {
	m := Memory{Parameters: s.Weights * params, Gradients: s.Gradients * params, Optimizer: s.Optimizer * params}
	if zero >= 1 {
		m.Optimizer /= float64(n)
	}
	if zero >= 2 {
		m.Gradients /= float64(n)
	}
	if zero >= 3 {
		m.Parameters /= float64(n)
	}
	return m
}

// bucket is the gradients that leave together, in bytes.
const bucket = 4 << 20

// memory is what a rank of stage i holds: the state of its parameters once, gradients
// and activations for each of its lanes.
func (c *costs) memory(p Plan, i int, st *stage) Memory {
	n := p.Data / p.Threads
	m := Sharded(p.Zero, n, st.params, c.state)
	g := float64(p.Threads)
	m.Gradients *= g
	switch {
	case n > 1 && p.Zero < 3:
		m.Wire = 2 * bucket
	}
	switch {
	case n > 1 && p.Zero == 2:
		// Partial sums of the tree over micro-batches.
		m.Gradients += math.Ceil(math.Log2(float64(p.MicroBatches))) * c.state.Gradients * st.params / float64(n)
	case n > 1 && p.Zero == 3:
		m.Wire = (c.state.Weights + c.state.Gradients) * st.two
	}
	b := c.samples(p)
	live := float64(min(p.MicroBatches, p.Pipeline-i))
	if p.Chunks > 1 { // forwards before the first backward, in whole stages
		live = min(float64(p.MicroBatches), float64(2*(p.Pipeline-1-i)+(p.Chunks-1)*p.Pipeline+1)/float64(p.Chunks))
	}
	switch p.Recompute {
	case RecomputeNone:
		m.Activations = live*(st.kept-st.once) + st.once
	case RecomputeBlocks:
		m.Activations = live*st.inputs + st.largest
	case RecomputeAll:
		m.Activations = live*st.input*float64(p.Chunks) + st.kept/float64(p.Chunks)
	}
	m.Activations *= b * g
	return m
}
