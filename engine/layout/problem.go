package layout

import "math"

// Problem is what a plan is searched for.
type Problem struct {
	Cluster Cluster
	Model   Model
	Fixed   Cuts // what is not searched

	// Constants nil means the fitted ones.
	Constants *Constants
}

// costs is a problem with what plans have in common.
type costs struct {
	*Problem
	k      *Constants
	state  State
	atoms  []int
	layers map[int][]stage    // by tensor
	cuts   map[[3]int][]int   // by tensor, pipeline, chunks
	pieces map[[3]int][]stage // the same
	whole  map[[3]int][]stage // the same, by stage
}

func (p *Problem) costs() (*costs, error) {
	if err := p.Cluster.Validate(); err != nil {
		return nil, err
	}
	if err := p.Model.Validate(); err != nil {
		return nil, err
	}
	if err := p.Fixed.Validate(); err != nil {
		return nil, err
	}
	k := p.Constants
	if k == nil {
		var err error
		if k, err = fitted(); err != nil {
			return nil, err
		}
	}
	return &costs{Problem: p, k: k, state: p.Model.state(), atoms: p.Model.atoms(),
		layers: map[int][]stage{}, cuts: map[[3]int][]int{}, pieces: map[[3]int][]stage{}, whole: map[[3]int][]stage{}}, nil
}

// ofLayers are the layers as a lane of a tensor group has them.
func (c *costs) ofLayers(tensor int) []stage {
	if out, ok := c.layers[tensor]; ok {
		return out
	}
	out := make([]stage, len(c.Model.Layers))
	for i := range out {
		if l := &c.Model.Layers[i]; i > 0 && i < len(out)-1 && *l == c.Model.Layers[i-1] {
			out[i] = out[i-1] // as in every block of a GPT
		} else {
			out[i] = c.layer(c.k, l, tensor, i == len(out)-1)
		}
	}
	c.layers[tensor] = out
	return out
}

// ofPieces are the first layers of each piece of a plan and the number of layers,
// and what the pieces add up to.
func (c *costs) ofPieces(p Plan) ([]int, []stage) {
	key := [3]int{p.Tensor, p.Pipeline, p.Chunks}
	if out, ok := c.pieces[key]; ok {
		return c.cuts[key], out
	}
	cut := c.cut(p, nil)
	out := c.join(p, cut)
	c.cuts[key], c.pieces[key] = cut, out
	return cut, out
}

// cut is where the network is cut, nil if it cannot be.
func (c *costs) cut(p Plan, fits func(i, from, to int) bool) []int {
	n := p.Pipeline * p.Chunks
	if c.Model.Even {
		return even(c.atoms, n)
	}
	layers := c.ofLayers(p.Tensor)
	times := make([]float64, len(c.atoms)-1)
	for i := range times {
		for _, s := range layers[c.atoms[i]:c.atoms[i+1]] {
			times[i] += s.forward.of(1) + s.backward.of(1)
		}
	}
	cut := balance(times, n, fits)
	for i, a := range cut {
		cut[i] = c.atoms[a]
	}
	return cut
}

func (c *costs) join(p Plan, cut []int) []stage {
	if cut == nil {
		return nil
	}
	layers := c.ofLayers(p.Tensor)
	out := make([]stage, len(cut)-1)
	for i := range out {
		out[i] = c.span(layers, cut[i], cut[i+1])
	}
	return out
}

// span adds layers up.
func (c *costs) span(layers []stage, from, to int) stage {
	return c.add(layers[from], layers, from, from+1, to)
}

// add joins the layers from ≤ i < to to those of a piece that begins at first.
func (c *costs) add(s stage, layers []stage, first, from, to int) stage {
	for i := from; i < to; i++ {
		s.join(layers[i])
		if c.Model.Layers[i].Tied && first == 0 {
			s.params -= layers[i].params // the first layer's are here
		}
	}
	return s
}

// stages are the stages of pieces.
func (c *costs) stages(p Plan, pieces []stage) []stage {
	if p.Chunks == 1 {
		return pieces
	}
	key := [3]int{p.Tensor, p.Pipeline, p.Chunks}
	if out, ok := c.whole[key]; ok { // a stage with chunks has one cut only
		return out
	}
	out := append([]stage(nil), pieces[:p.Pipeline]...)
	for i, s := range pieces[p.Pipeline:] {
		out[i%p.Pipeline].join(s)
	}
	c.whole[key] = out
	return out
}

// samples are those of a micro-batch on a lane; where they are uneven, the most.
func (c *costs) samples(p Plan) float64 {
	return math.Ceil(float64(c.Model.Batch) / float64(p.Data*p.MicroBatches))
}

// usable is the share of a device's memory that a plan may take: the rest is the
// driver's, the allocator's and the collectives'.
const usable = .9

// room is what a rank may hold, in bytes.
func (c *costs) room(p Plan) float64 { return usable * c.Cluster.Memory * float64(p.Threads) }

// largest is the memory of the largest rank.
func (c *costs) largest(p Plan, pieces []stage) (most float64) {
	stages := c.stages(p, pieces)
	for i := range stages {
		most = max(most, c.memory(p, i, &stages[i]).Total())
	}
	return most
}

// limit tells which atoms fit into a rank of stage i. It is quick where it is asked
// for one atom more each time.
func (c *costs) limit(p Plan) func(i, from, to int) bool {
	layers := c.ofLayers(p.Tensor)
	var sum stage
	first, last := -1, -1
	return func(i, from, to int) bool {
		if from != first || to != last+1 {
			sum = c.span(layers, c.atoms[from], c.atoms[from+1])
			first, last = from, from+1
		}
		for ; last < to; last++ {
			sum = c.add(sum, layers, c.atoms[from], c.atoms[last], c.atoms[last+1])
		}
		return c.memory(p, i, &sum).Total() <= c.room(p)
	}
}
