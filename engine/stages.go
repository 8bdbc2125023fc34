package engine

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// A pipeline cuts a network into stages, runs of the segments of its chain of layers
// (chain.go): see pipe.go for how they work. What a stage computes has the bits that it
// has in the whole network, and so have the weights: stages change no number.

// MaxPipeline bounds the stages of a network, Mesh.Pipeline.
const MaxPipeline = 256

// border is a place between two layers of a chain: how much of the network is before it.
type border struct {
	link, ops, rows             int // layers of the chain, ops and rows of the plan
	params, stats, tables       int // tensors
	weights, running, constants int // their numbers
	shape                       data.Shape
	uncut                       bool // no stage may begin here
}

// stages is how a network is cut.
type stages struct {
	whole   *plan.Builder // the plan of the network, without memory
	links   []link
	borders []border // where each stage begins, and the end
}

// stage is one of them.
type stage struct {
	*stages
	number int
	rows   int // of a micro-batch, at most
	copies int // micro-batches between their forward and backward pass at once, at most
}

// walk plans a network and looks at the borders before the given layers of its chain.
func walk(l Layer, in data.Shape, batch int, c *Config, cuts *plan.Cuts, links []link, starts []int) (*plan.Builder, []border) {
	borders := []border{{shape: in, uncut: true}}
	b, _, _ := plan.New(in, batch, c.Precision.format(), building(func(b *plan.Builder, x plan.Tensor) plan.Tensor {
		for i, end := range starts[1:] {
			x = buildChain(b, links[starts[i]:end], x)
			borders = append(borders, border{
				link: end, ops: len(b.Ops), rows: len(b.Rows), params: len(b.Params), stats: len(b.Stats), tables: len(b.Tables),
				weights: int(plan.Total(b.Params)), running: int(plan.Total(b.Stats)), constants: int(plan.Total(b.Tables)),
				shape: x.Shape, uncut: x.Maker != nil || x.Grad == nil,
			})
		}
		return x
	}, cuts))
	return b, borders
}

// cutStages cuts a network into so many stages, for micro-batches of at most so many rows,
// and returns the first layer of each in the chain, and the number of layers. It is the
// same on every machine. The level is the current one.
func cutStages(l Layer, in data.Shape, out data.Shape, c *Config, count, rows int) ([]int, error) {
	links := chain(l)
	b, borders := walk(l, in, rows, c, nil, links, segments(links))
	costs := stageCosts(b, borders, in, out, c, rows)
	if at := balance(costs, borders, count); at != nil {
		return at, nil
	}
	for most := count - 1; most > 1; most-- {
		if balance(costs, borders, most) != nil {
			return nil, fmt.Errorf("mesh.pipeline: %d stages, but the network has only %d blocks with parameters that it can be cut between: use at most %d", count, most, most)
		}
	}
	return nil, fmt.Errorf("mesh.pipeline: the network has no two blocks with parameters that it can be cut between: leave mesh.pipeline out")
}

// segmentCost is the seconds that a micro-batch takes in a segment, forward and backward,
// and to cross the border before it.
type segmentCost struct{ work, cross float64 }

// stageCosts are the costs of all segments, by the numbers of the built-in machine: all
// ranks must cut alike.
func stageCosts(b *plan.Builder, borders []border, in, out data.Shape, c *Config, rows int) []segmentCost {
	m := BuiltIn()
	n := float64(rows)
	costs := make([]segmentCost, len(borders)-1)
	add := func(k int, w *layerWork) {
		for _, d := range [...][2]Work{w.forward, w.backward} {
			costs[k].work += m.seconds(d[0], c.Precision) + n*m.seconds(d[1], c.Precision)
		}
	}
	k := 0
	for row, w := range works(b, rows) {
		for row >= borders[k+1].rows {
			k++
		}
		add(k, &w)
	}
	feed := feedWork(in, out, c)
	add(0, &layerWork{forward: feed.forward})
	add(len(costs)-1, &layerWork{backward: feed.backward})
	wire := m.wire("lanes")
	for k := range costs[1:] {
		costs[k+1].cross = 2 * (4*n*float64(borders[k+1].shape.Size())/wire.Rate + wire.Latency)
	}
	return costs
}

// balance cuts segments into stages, each with parameters, so that the slowest takes the
// least time, by dynamic programming over the segments: the best cut of the first j into
// k stages has a best cut of the first i < j into k−1. It returns the borders' places in
// the chain; nil if there is no such cut.
func balance(costs []segmentCost, borders []border, count int) []int {
	n := len(costs)
	before := make([]float64, n+1)
	for i, c := range costs {
		before[i+1] = before[i] + c.work
	}
	least := make([][]float64, count+1) // of the slowest of k stages of the first j segments
	from := make([][]int, count+1)      // where the last of them begins
	for k := range least {
		least[k], from[k] = make([]float64, n+1), make([]int, n+1)
		for j := range least[k] {
			least[k][j] = math.Inf(1)
		}
	}
	least[0][0] = 0
	for k := 1; k <= count; k++ {
		for j := k; j <= n; j++ {
			if j < n && borders[j].uncut {
				continue
			}
			for i := k - 1; i < j; i++ {
				if borders[i].params == borders[j].params || math.IsInf(least[k-1][i], 1) {
					continue
				}
				took := before[j] - before[i] + costs[i].cross
				if j < n {
					took += costs[j].cross
				}
				if took = max(took, least[k-1][i]); took < least[k][j] {
					least[k][j], from[k][j] = took, i
				}
			}
		}
	}
	if math.IsInf(least[count][n], 1) {
		return nil
	}
	at := make([]int, count+1)
	at[count] = borders[n].link
	for k, j := count, n; k > 0; k-- {
		j = from[k][j]
		at[k-1] = borders[j].link
	}
	return at
}

// newStages describes a network that is cut at given layers of its chain.
func newStages(l Layer, in data.Shape, c *Config, cuts *plan.Cuts, at []int) *stages {
	s := &stages{links: chain(l)}
	s.whole, s.borders = walk(l, in, c.Batch, c, cuts, s.links, at)
	return s
}

// stagesFor is how a network is cut to be trained with t; nil: it is not.
func stagesFor(l Layer, in, out data.Shape, c *Config, t *TrainConfig, cuts *plan.Cuts) (*stages, error) {
	if t.Mesh.Pipeline < 2 {
		return nil, nil
	}
	c.level().Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	at, err := cutStages(l, in, out, c, t.Mesh.Pipeline, t.microRows(c.Batch))
	if err != nil {
		return nil, err
	}
	return newStages(l, in, c, cuts, at), nil
}

// count is the number of stages.
func (s *stages) count() int { return len(s.borders) - 1 }

// stage is a stage with room for micro-batches of so many rows, of which a lane computes so
// many in a step.
func (s *stages) stage(number, rows, micro int) *stage {
	return &stage{stages: s, number: number, rows: rows, copies: max(min(micro, s.count()-number), 1)}
}

// begin and end are the borders of the stage.
func (s *stage) begin() *border { return &s.borders[s.number] }
func (s *stage) end() *border   { return &s.borders[s.number+1] }

// last reports whether the loss is the stage's.
func (s *stage) last() bool { return s.number+1 == s.count() }

// place is where the parameters of a stage are among all.
func (s *stages) place(number int) stretch {
	return stretch{s.borders[number].weights, s.borders[number+1].weights}
}

// plan makes the plan of the stage. The input of all but the first has a gradient.
func (s *stage) plan(c *Config, cuts *plan.Cuts, r Recompute) (b *plan.Builder, x, y plan.Tensor) {
	b, _, y = plan.New(s.begin().shape, s.rows, c.Precision.format(), building(func(b *plan.Builder, in plan.Tensor) plan.Tensor {
		b.First = s.begin().ops
		if x = in; s.number > 0 {
			x = b.WithGradient(in)
		}
		return s.build(b, x, r)
	}, cuts))
	cost := s.whole.Cost()
	b.Vocab, b.Whole = s.whole.Vocab, &cost
	return b, x, y
}

// build adds the layers of the stage. With [RecomputeAll] they are computed again from
// their input, with [RecomputeBlocks] each segment is; what is right before the loss is
// not.
func (s *stage) build(b *plan.Builder, x plan.Tensor, r Recompute) plan.Tensor {
	own := s.links[s.begin().link:s.end().link]
	starts := []int{0, len(own)}
	switch r {
	case RecomputeNone:
		return buildChain(b, own, x)
	case RecomputeBlocks:
		starts = segments(own)
	}
	for i, end := range starts[1:] {
		from, in := len(b.Ops), x
		in.Need = plan.NeedValues
		x = buildChain(b, own[starts[i]:end], in)
		if end < len(own) || !s.last() {
			b.Again(from, in.Data, x.Data)
		}
	}
	return x
}
