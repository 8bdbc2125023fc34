package engine

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"budwood/data"
	"budwood/engine/crew"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/loss"
	"budwood/engine/safetensors"
)

// Config says how a network is compiled.
type Config struct {
	Batch int       // rows of a training step; 0 means 32
	Seed  uint64    // of the weights
	Loss  loss.Loss // nil means CrossEntropy{}

	Precision Precision // of the operands of products; F32 by default

	// Inference allows a network that has nothing to train.
	Inference bool

	// CPU is the instruction set to compute with, "generic", "avx2", "avx512" or
	// "avx512+bf16", on which the last bits of all results depend; "" means the best
	// one here. Networks of different ones do not compute at the same time.
	CPU string
}

func (c Config) defaults() Config {
	if c.Batch == 0 {
		c.Batch = 32
	}
	if c.Loss == nil {
		c.Loss = loss.CrossEntropy{}
	}
	return c
}

func (c *Config) validate() error {
	if c.Batch < 1 || c.Batch > maxDim {
		return fmt.Errorf("batch %d is outside [1, %d]", c.Batch, maxDim)
	}
	if err := c.Precision.validate(); err != nil {
		return err
	}
	if c.CPU != "" && !kernel.Has(c.CPU) {
		return fmt.Errorf("CPU %s: the best here is %s", c.CPU, kernel.Best(true))
	}
	return c.Loss.Validate()
}

func (c *Config) level() kernel.Level {
	l, _ := kernel.LevelOf(c.CPU, c.Precision == BF16)
	return l
}

// soft reports whether training takes the outputs of a teacher.
func (c *Config) soft() bool {
	switch c.Loss.(type) {
	case loss.Distillation, loss.Imitation:
		return true
	}
	return false
}

// Net is a compiled network: a plan of operations over one arena that holds
// parameters, gradients, running statistics and activations. It belongs to one
// goroutine at a time.
type Net struct {
	layer     Layer
	in, out   data.Shape
	cfg       Config
	level     kernel.Level  // of cfg.CPU
	plan      *plan.Builder // empty if err is not nil
	cuts      *plan.Cuts    // into parts for tensor parallelism; nil: it is whole
	head      *vocabulary   // the loss, if the outputs are cut
	link      *tensorLink   // to the other parts; nil if there are none, or they are computed in turn
	stage     *stage        // of a pipeline; nil: it is whole
	shared    []float32     // memory that the copies of a stage share
	wide      []float32     // outputs of all parts, and their gradient, in evaluation; nil where x and y have them
	x, y      plan.Tensor   // input and output of the plan
	arena     []float32
	params    []float32     // nil where ranks have pieces of them
	grads     []float32     // nil where ranks have pieces of them
	buffers   unitBuffers   // in their place
	stats     []float32     // running statistics
	tables    []float32     // numbers that never change
	batch     loss.Targets  // room for the targets of one batch
	trainer   *Trainer      // of Fit
	idle      *crew.Team    // cores that inference may borrow; nil: none
	room      int64         // bytes for that; 0: any
	eager     bool          // also where it would not pay; for tests
	twins     []*Net        // that compute there
	origin    *plan.Builder // of a twin: the plan of the network that it is one of
	recompute Recompute     // of the plan
	infers    bool          // the plan is that of an [Inference]
	err       error         // of MLP: there is no network
	last      error         // of Fit and Loss
}

// maxArena is the largest arena that Compile allocates, in floats (64 GiB).
const maxArena = 1 << 34

// Compile infers the shapes of l for inputs of shape in, plans its memory for a
// batch and sets the weights at random: normal, with deviation √(2/fan-in)
// before a ReLU, LeakyReLU, GELU, SiLU, Clip or HardSwish, else √(1/fan-in); biases are 0.
func Compile(l Layer, in data.Shape, cfg Config) (*Net, error) {
	cfg = cfg.defaults()
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if _, err := kernel.CPU(); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	out, err := fitting(l, in)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	level := cfg.level()
	n := &Net{layer: l, in: in, out: out, cfg: cfg, level: level}
	level.Enter() // it decides what is computed in pairs
	defer kernel.Leave()
	n.plan, n.x, n.y = n.planFor(cfg.Batch)
	if n.y.Grad == nil {
		return nil, errors.New("compile: no layer has parameters to train")
	}
	if err := n.allocate(); err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	for i, p := range n.plan.Params {
		p.First.Fill(stream(cfg.Seed, forWeights, i), p.W)
	}
	for _, p := range slices.Concat(n.plan.Stats, n.plan.Tables) {
		p.First.Fill(nil, p.W)
	}
	return n, nil
}

// building is what builds a network that is cut so.
func building(build func(*plan.Builder, plan.Tensor) plan.Tensor, cuts *plan.Cuts) func(*plan.Builder, plan.Tensor) plan.Tensor {
	if cuts == nil {
		return build
	}
	return func(b *plan.Builder, x plan.Tensor) plan.Tensor {
		b.Cuts = cuts
		return build(b, x)
	}
}

// allocate makes the arena: parameters, gradients, statistics, then the blocks
// of the plan.
func (n *Net) allocate() error {
	params, stats, tables := plan.Total(n.plan.Params), plan.Total(n.plan.Stats), plan.Total(n.plan.Tables)
	rest := n.layOut()
	all := plan.Plus(plan.Plus(plan.Aligned(params), plan.Aligned(params)), plan.Plus(plan.Plus(plan.Aligned(stats), plan.Aligned(tables)), rest))
	if all > maxArena {
		return fmt.Errorf("the network needs %s for a batch of %d, the limit is %s", memory(inBytes(all)), n.cfg.Batch, memory(inBytes(maxArena)))
	}
	n.arena = kernel.Floats(int(all))
	at := n.arena
	take := func(size int64) []float32 {
		s := at[:size:size]
		at = at[plan.Aligned(size):]
		return s
	}
	n.params, n.grads, n.stats, n.tables = take(params), take(params), take(stats), take(tables)
	n.bind(at)
	return nil
}

// bind gives the tensors and blocks of the plan their places, those of the blocks in
// an arena, and makes room for the targets of a batch.
func (n *Net) bind(arena []float32) {
	n.bindNumbers()
	n.bindBlocks(arena)
}

// bindBlocks gives the blocks of the plan their places in an arena, and makes room for
// the targets of a batch.
func (n *Net) bindBlocks(arena []float32) {
	n.bindArena(arena)
	n.batch.Class = make([]int32, n.cfg.Batch*labels(n.out))
	n.batch.Value = make([]float32, n.cfg.Batch*n.out.Size())
	if n.cfg.soft() {
		n.batch.Soft = make([]float32, n.cfg.Batch*n.out.Size())
	}
	if n.head = newVocabulary(n); n.head != nil && n.link != nil {
		n.wide = kernel.Floats(int(wideFloats(n.cuts, n.cfg.Batch, n.out)))
	}
}

// share gives each tensor of a list its part of a flat slice.
func share(ps []*plan.Param, flat []float32, give func(*plan.Param, []float32)) {
	at := 0
	for _, p := range ps {
		p.At = at
		at += int(p.Size)
		give(p, flat[p.At:at:at])
	}
}

// Layer is what the network was compiled from.
func (n *Net) Layer() Layer { return n.layer }

// Config is how the network was compiled, with the defaults.
func (n *Net) Config() Config { return n.cfg }

// Cost is what the network costs for one sample, as [Measure] says it.
func (n *Net) Cost() Cost { return Cost(n.plan.Cost()) }

// CPU is the instruction set that the network computes with. That of training
// is in a trainer's checkpoint, and stays the same where it is loaded, if the
// machine has it.
func (n *Net) CPU() string {
	if n.cfg.CPU != "" {
		return n.cfg.CPU
	}
	return kernel.Best(n.cfg.Precision == BF16)
}

// In is the shape of an input row.
func (n *Net) In() data.Shape { return n.in }

// Out is the shape of an output row.
func (n *Net) Out() data.Shape { return n.out }

// Params is all trained numbers, tensor after tensor, in the order of
// [Net.Tensors]. Changing them changes the network. It is nil where ranks have pieces of
// them (zero 3).
func (n *Net) Params() []float32 { return n.params }

// Grads is the gradient of the last training step, laid out as [Net.Params]. It is nil
// where ranks have pieces of it (from zero 2 on), and otherwise that of this rank's rows
// if there are several.
func (n *Net) Grads() []float32 { return n.grads }

// Tensors are the trained tensors, in order: name ("0.weight": the path of the
// layer, then the tensor's own name), shape, and data shared with the network.
func (n *Net) Tensors() []safetensors.Tensor { return n.tensors(n.plan.Params, n.params) }

// Statistics are the running means and variances of [BatchNorm] layers.
func (n *Net) Statistics() []safetensors.Tensor { return n.tensors(n.plan.Stats, n.stats) }

// tensors cuts a flat slice into the tensors of a list.
func (n *Net) tensors(ps []*plan.Param, flat []float32) []safetensors.Tensor {
	out := make([]safetensors.Tensor, len(ps))
	for i, p := range ps {
		out[i] = safetensors.Tensor{Name: p.Name, Shape: p.Shape}
		if flat != nil {
			out[i].Data = flat[:p.Size:p.Size]
			flat = flat[p.Size:]
		}
	}
	return out
}

// forward runs the plan on the rows in the input block.
func (n *Net) forward(p plan.Pass) {
	for _, o := range n.plan.Ops {
		o.Forward(p)
	}
}

// backward runs the plan back from the gradient of the output.
func (n *Net) backward(p plan.Pass) {
	for i := len(n.plan.Ops) - 1; i >= 0; i-- {
		n.plan.Back(i, p)
	}
}

// step runs forward, loss and backward for a batch in the input block and
// returns the sum of the losses and its divisor. The gradients are those of the
// mean, times scale.
func (n *Net) step(p plan.Pass, t loss.Targets, scale float64) (sum, weight float64) {
	n.forward(p)
	if sum, weight = n.judge(p, t, scale); math.IsNaN(sum) || math.IsInf(sum, 0) {
		return sum, weight
	}
	n.backward(p)
	return sum, weight
}

// judge is the loss of outputs, as step returns it, and its gradient by them.
func (n *Net) judge(p plan.Pass, t loss.Targets, scale float64) (sum, weight float64) {
	size := p.Rows * n.y.Shape.Size()
	d := n.y.Grad.Floats[:size]
	sum, weight = n.compare(d, n.y.Data.Floats[:size], t, p.Rows)
	if math.IsNaN(sum) || math.IsInf(sum, 0) {
		return sum, weight
	}
	if scale != 1 {
		kernel.Scale(d, float32(scale))
	}
	return sum, weight
}

// compare is the loss of outputs y and its gradient d by them: see [loss.Loss].
func (n *Net) compare(d, y []float32, t loss.Targets, rows int) (sum, weight float64) {
	if n.head != nil {
		return n.head.gradient(d, y, t, rows)
	}
	sum, weight = n.cfg.Loss.Gradient(d, y, t, rows)
	if t.Partner != nil && !math.IsNaN(sum) && !math.IsInf(sum, 0) {
		l, _ := n.cfg.Loss.(loss.CrossEntropy) // newFeeder made sure
		sum += t.Mixed(d, y, rows, l.Smoothing)
	}
	return sum, weight
}

// Predict writes the outputs for any number of rows: len(x) is a multiple of
// In().Size(), and out has Out().Size() values for each row.
func (n *Net) Predict(x, out []float32) error {
	if err := n.isStage(); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	if n.err != nil {
		return n.err
	}
	in, w := n.in.Size(), n.out.Size()
	if len(x)%in != 0 || len(out) != len(x)/in*w {
		return fmt.Errorf("predict: %d inputs and %d outputs are not rows of %v and %v", len(x), len(out), n.in, n.out)
	}
	if err := n.checkTokens(x); err != nil {
		return fmt.Errorf("predict: %w", err)
	}
	n.level.Enter()
	defer kernel.Leave()
	if n.helped(len(x) / in) {
		n.predictTogether(x, out)
		return nil
	}
	for len(x) > 0 {
		rows := min(len(x)/in, n.cfg.Batch)
		n.predict(x[:rows*in], out)
		x, out = x[rows*in:], out[rows*w:]
	}
	return nil
}

// predict writes the outputs of at most a batch of rows.
func (n *Net) predict(x, out []float32) {
	rows := len(x) / n.in.Size()
	n.infer(x, rows)
	copy(out, n.outputs(rows))
}

// infer runs at most a batch of rows forward in inference mode.
func (n *Net) infer(x []float32, rows int) {
	copy(n.x.Data.Floats, x)
	n.forward(plan.Pass{Rows: rows})
}
