package engine

import (
	"encoding/json"
	"fmt"

	"budwood/engine/crew"
)

// Mesh says into which pieces a training step is cut, and how many of them are
// computed at once. The pieces decide the numbers that come out; the threads do not:
// any number of them gives the same bits.
type Mesh struct {
	Data         int `json:"data,omitempty"`          // shards that the rows of a step are cut into; 0 means Threads, of each stage
	MicroBatches int `json:"micro_batches,omitempty"` // that a shard is cut into; 0 means Accumulate, with a pipeline max(Accumulate, 4·Pipeline)
	Tensor       int `json:"tensor,omitempty"`        // parts that wide layers are cut into; 0 means 1
	Pipeline     int `json:"pipeline,omitempty"`      // stages that the network is cut into; 0 means 1. It changes no bit, but the default of MicroBatches
	Threads      int `json:"threads,omitempty"`       // lanes of a rank, at most one for each of its shards and stages, that compute micro-batches at the same time; 0 means 1

	// Auto lets the program choose data and micro_batches, where they are 0, and the
	// threads, of which Threads is the most then; 0 means as many as there are processors.
	Auto bool `json:"auto,omitempty"`

	// Zero says what each rank keeps of the whole, in the stages of ZeRO (Rajbhandari et
	// al. 2020): 0 is everything. With 1 it has the state of the optimizer, the moving average
	// and the best copy of its part of the weights alone; with 2 also the gradient, and with
	// 3 the weights, whose others it has for a few layers at a time. It changes no bit, but
	// for 2 and 3 of several micro-batches a shard: those are added up in the tree of the
	// shards first, then in that of their numbers, even by one rank.
	Zero  int    `json:"zero,omitempty"`
	World *World `json:"-" yaml:"-"` // nil: this is the only rank
	Who   string `json:"-" yaml:"-"` // runs this rank: a name for what is told of it; may be empty

	Recompute Recompute `json:"recompute,omitempty"` // what is computed again in the backward pass instead of being kept

	Ranks Ranks `json:"ranks,omitzero"` // processes that train one trial together; the trainer does not start them

	// Lane runs the part of a step that is computed beside the calling goroutine: it
	// calls work once, on the goroutine it is called on. A program that counts the
	// processor time of its threads does so here. nil means work alone.
	Lane func(work func()) `json:"-" yaml:"-"`

	// Idle is cores that nobody uses just now. What keeps the bits may be computed there;
	// it needs no mesh. nil: there are none.
	Idle     *crew.Team `json:"-" yaml:"-"`
	IdleRoom int64      `json:"-" yaml:"-"` // bytes of memory for what is computed there; 0 means any

	Machine *Machine      `json:"-" yaml:"-"` // that Auto predicts times for; nil: the built-in one
	Chosen  func(*Choice) `json:"-" yaml:"-"` // hears what Auto has chosen; may be nil

	bucket int  // parameters of several layers that make a unit; 0 means 1 Mi
	turns  bool // one lane after the other; for tests, too
	always bool // also where more threads than one would not pay; for tests
}

// Threads is a mesh of n lanes, each with a shard of its own.
func Threads(n int) Mesh { return Mesh{Threads: n} }

// UnmarshalJSON reads "auto", or the fields.
func (m *Mesh) UnmarshalJSON(b []byte) error {
	var word string
	if json.Unmarshal(b, &word) == nil {
		if word != "auto" {
			return fmt.Errorf("mesh %q: write auto, or keys and values like {threads: 2}", word)
		}
		*m = MeshAuto()
		return nil
	}
	type fields Mesh
	return json.Unmarshal(b, (*fields)(m))
}

// Shards is the number of shards of a step.
func (m *Mesh) Shards() int {
	if m.Data > 0 {
		return m.Data
	}
	if m.World == nil {
		return max(m.Threads/max(m.Pipeline, 1), 1)
	}
	return max(m.Threads, 1)
}

// Cuts reports whether there is a mesh.
func (m *Mesh) Cuts() bool {
	return m.Auto || m.Data > 0 || m.MicroBatches > 0 || m.Tensor > 0 || m.Pipeline > 0 || m.Threads > 0
}

// Micro is the number of micro-batches that a shard is cut into.
func (m *Mesh) Micro(accumulate int) int {
	switch {
	case m.MicroBatches > 0:
		return m.MicroBatches
	case m.Pipeline > 1:
		return max(accumulate, 4*m.Pipeline)
	}
	return max(accumulate, 1)
}

// leaves is the number of micro-batches of a step.
func (c *TrainConfig) leaves() int {
	return c.Mesh.Shards() * c.Mesh.Micro(c.Accumulate)
}

// maxLeaves bounds the micro-batches of a step.
const maxLeaves = 1 << 20

// MaxTensor bounds the parts of a layer, Mesh.Tensor.
const MaxTensor = 256

// Fits is an error that says what would fit if steps of so many batches of rows cannot
// be cut so.
func (m Mesh) Fits(batch, accumulate int) error {
	c := TrainConfig{Mesh: m, Accumulate: accumulate}
	return c.fits(batch)
}

// fits is the error of [Mesh.Fits] for a network that is compiled for a batch.
func (c *TrainConfig) fits(batch int) error {
	m := &c.Mesh
	if err := m.Recompute.validate(); err != nil {
		return fmt.Errorf("mesh: %w", err)
	}
	if m.Data < 0 || m.MicroBatches < 0 || m.Threads < 0 {
		return fmt.Errorf("mesh: data %d, micro_batches %d or threads %d is below 0", m.Data, m.MicroBatches, m.Threads)
	}
	if m.Tensor < 0 || m.Tensor > MaxTensor {
		return fmt.Errorf("mesh: tensor %d is outside [1, %d]", m.Tensor, MaxTensor)
	}
	if err := m.joinable(); err != nil {
		return err
	}
	if err := m.pipeable(); err != nil {
		return err
	}
	if m.Data > maxLeaves || m.MicroBatches > maxLeaves || m.Threads > maxLeaves {
		return fmt.Errorf("mesh: data %d, micro_batches %d or threads %d is above %d", m.Data, m.MicroBatches, m.Threads, maxLeaves)
	}
	if !m.Cuts() && m.all() == 1 {
		return nil
	}
	rows, leaves := max(c.Accumulate, 1)*batch, c.leaves()
	switch least := (rows + batch*m.Shards() - 1) / (batch * m.Shards()); {
	case m.Threads/m.inside() > m.Shards() && m.inside() > 1:
		return fmt.Errorf("mesh: threads %d for %d stages are more than the %d shards of data: use at most %d threads, or data %d", m.Threads, m.Pipeline, m.Data, m.Data*m.Pipeline, m.Threads/m.Pipeline)
	case m.Threads/m.inside() > m.Shards():
		return fmt.Errorf("mesh: threads %d are more than the %d shards of data: use at most %d threads, or data %d", m.Threads, m.Data, m.Data, m.Threads)
	case m.ranks() > m.Shards() && m.Pipeline > 1:
		return fmt.Errorf("mesh: %d ranks do not fit data %d%s and pipeline %d: use 1 to %d ranks, or %d times as many", m.all(), m.Shards(), m.tensorWords(), m.Pipeline, m.Shards(), m.Pipeline*max(m.Tensor, 1))
	case m.ranks() > m.Shards() && m.Tensor > 1:
		return fmt.Errorf("mesh: %d ranks do not fit data %d and tensor %d: use 1 to %d ranks, or %d times as many", m.ranks(), m.Shards(), m.Tensor, m.Shards(), m.Tensor)
	case m.ranks() > m.Shards():
		return fmt.Errorf("mesh: %d ranks are more than the %d shards of data: use at most %d ranks, or data %d", m.ranks(), m.Shards(), m.Shards(), m.ranks())
	case m.Shards() > rows:
		return fmt.Errorf("mesh: data %d is more than the %d rows of a step: use at most %d", m.Shards(), rows, rows)
	case leaves > rows:
		return fmt.Errorf("mesh: data %d × micro_batches %d = %d micro-batches are more than the %d rows of a step: use at most %d micro_batches",
			m.Shards(), leaves/m.Shards(), leaves, rows, rows/m.Shards())
	case c.microRows(batch) > batch:
		return fmt.Errorf("mesh: data %d × micro_batches %d makes micro-batches of %d rows, more than the batch of %d: use at least %d micro_batches",
			m.Shards(), leaves/m.Shards(), c.microRows(batch), batch, least)
	}
	return nil
}

// microRows is the largest number of rows of a micro-batch.
func (c *TrainConfig) microRows(batch int) int {
	n := c.leaves()
	return (max(c.Accumulate, 1)*batch + n - 1) / n
}

// leastWork is the work of a lane in a step, in floating-point operations, below
// which more than one thread would not pay: some 200 µs. Lanes meet three times a
// step, and that takes tens of microseconds where other programs want the cores as
// well: with 14e6 operations a lane, two threads took 1.5 times as long as one on two
// cores that fifteen others wanted, with 90e6 no longer.
const leastWork = 2e7

// joinable is an error for ranks that cannot be.
func (m *Mesh) joinable() error {
	switch {
	case m.Zero < 0 || m.Zero > 3:
		return fmt.Errorf("mesh: zero %d is outside [0, 3]", m.Zero)
	case m.World != nil && m.World.Ranks < 1:
		return fmt.Errorf("mesh: a world of %d ranks: there is at least one", m.World.Ranks)
	case m.World != nil && m.World.Link != nil && m.World.Ranks > 1 && m.World.Link.Rank() >= m.World.Ranks:
		return fmt.Errorf("mesh: the link is of rank %d in a world of %d ranks", m.World.Link.Rank(), m.World.Ranks)
	}
	return nil
}

// holder is the rank that computes micro-batch u.
func (c *TrainConfig) holder(u int) int {
	shard := u / (c.leaves() / c.Mesh.Shards())
	for k := range c.Mesh.ranks() {
		if shard < c.spanOf(k).To {
			return k
		}
	}
	return 0
}

// rowWork is the floating-point operations of a row: forward, and twice as much backward.
func rowWork(cost Cost) float64 { return 6*float64(cost.MACs) + 8*float64(cost.Activations) }

// pays reports whether so many lanes of a rank have enough to do.
func (c *TrainConfig) pays(lanes, batch int, cost Cost) bool {
	each := rowWork(cost) * float64(max(c.Accumulate, 1)*batch) / float64(lanes*c.Mesh.all())
	return each >= leastWork || c.Mesh.always
}

// stageLanes is the number of lanes of a rank that share the leaves of one, a stage each.
func (c *TrainConfig) stageLanes(batch int, cost Cost) int {
	n := c.Mesh.inside()
	if n > 1 && !c.pays(c.lanes(0, batch, cost)*n, batch, cost) {
		return 1
	}
	return n
}

// lanes is the number of lanes of a rank that compute at the same time: one if more
// would not pay. A rank has no more of them than shards.
func (c *TrainConfig) lanes(rank, batch int, cost Cost) int {
	s := c.spanOf(rank)
	n := min(max(c.Mesh.Threads/c.Mesh.inside(), 1), s.To-s.From)
	if !c.pays(n*c.Mesh.inside(), batch, cost) {
		return 1
	}
	if c.Mesh.cells() > 1 || c.Mesh.stages() > 1 {
		n = min(n, tensorLanes)
	}
	return n
}
