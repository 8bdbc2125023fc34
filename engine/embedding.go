package engine

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// Embedding looks up a trained vector for each token: {steps} of token numbers
// becomes {steps, Out}. The numbers are float32, as all inputs, and whole:
// 0 ≤ token < Vocab. Training and prediction check them where the tokens are the
// input of the network; elsewhere another number gives NaN.
type Embedding struct {
	Vocab int  // number of tokens
	Out   int  // features of each
	Init  Init // nil means Normal{Std: 1}, as PyTorch
}

// Infer gives {steps, Out}.
func (e Embedding) Infer(in data.Shape) (data.Shape, error) {
	if len(in) != 1 || in.Size() == 0 {
		return nil, fmt.Errorf("%v: needs a row of tokens, got %v", e, in)
	}
	if err := sized(e, "vocabulary", e.Vocab, 1); err != nil {
		return nil, err
	}
	if err := sized(e, "size", e.Out, 1); err != nil {
		return nil, err
	}
	return data.Shape{in[0], e.Out}, nil
}

// String is Embedding(Vocab, Out).
func (e Embedding) String() string { return fmt.Sprintf("Embedding(%d, %d)", e.Vocab, e.Out) }

func (e Embedding) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	if x.Data == b.Input && (b.Vocab == 0 || e.Vocab < b.Vocab) {
		b.Vocab = e.Vocab
	}
	fill := e.Init
	if fill == nil {
		fill = Normal{Std: 1}
	}
	out := data.Shape{x.Shape[0], e.Out}
	b.Layer(e, out, 0)
	o := &embedding{x: x, steps: x.Shape[0], vocab: e.Vocab, out: e.Out, own: plan.Span{To: e.Vocab}}
	c := b.Cut()
	if own := b.Own(c); own != nil {
		o.own, o.sum = own[0], b.Cuts.Sum
	}
	rows := o.own.To - o.own.From
	o.w = b.Param("weight", initial(fill, e.Vocab, e.Out, 1), rows, e.Out)
	o.w.Of(b, c, 0, e.Vocab, e.Out)
	o.y = b.Output(x, out, true, plan.NeedNothing)
	b.Add(o, []*plan.Block{x.Data, o.y.Data}, []*plan.Block{x.Data, x.Grad, o.y.Grad})
	return o.y
}

// embedding is the op of Embedding.
type embedding struct {
	x, y              plan.Tensor
	steps, vocab, out int
	own               plan.Span         // of the tokens, whose vectors this part has
	sum               func(x []float32) // of all parts; nil if this is the only one
	w                 *plan.Param       // own tokens × out
}

func (o *embedding) Bind() {}

// Forward: the vectors of other parts' tokens are −0 here, which leaves the bits of what
// it is added to.
func (o *embedding) Forward(p plan.Pass) {
	n := p.Rows * o.steps
	for i, v := range o.x.Data.Floats[:n] {
		y := o.y.Data.Floats[i*o.out : (i+1)*o.out]
		switch {
		case !isToken(v, o.vocab):
			setAll(y, float32(math.NaN()))
		case o.has(v):
			copy(y, o.vector(o.w.W, v))
		default:
			setAll(y, float32(math.Copysign(0, -1)))
		}
	}
	if o.sum != nil {
		o.sum(o.y.Data.Floats[:n*o.out])
	}
}

func (o *embedding) Backward(p plan.Pass) {
	clear(o.w.G)
	for i, v := range o.x.Data.Floats[:p.Rows*o.steps] {
		if isToken(v, o.vocab) && o.has(v) {
			kernel.Add(o.vector(o.w.G, v), o.y.Grad.Floats[i*o.out:(i+1)*o.out])
		}
	}
	if o.x.Grad != nil {
		clear(o.x.Grad.Floats[:p.Rows*o.steps]) // tokens do not move
	}
}

// has reports whether this part has the vector of a token.
func (o *embedding) has(v float32) bool { return o.own.From <= int(v) && int(v) < o.own.To }

// vector is that of a token in the weights or their gradient.
func (o *embedding) vector(w []float32, v float32) []float32 {
	at := (int(v) - o.own.From) * o.out
	return w[at : at+o.out]
}

func isToken(v float32, vocab int) bool {
	return v >= 0 && v < float32(vocab) && v == float32(int(v))
}

// checkTokens reports whether inputs are tokens, if the network wants them.
func (n *Net) checkTokens(x []float32) error { return n.checkFrom(x, 0) }

// checkRows is [Net.checkTokens] of the inputs of a set.
func (n *Net) checkRows(s *data.Set) error {
	if n.plan.Vocab == 0 || s.Rows == nil {
		return n.checkTokens(s.X)
	}
	x := make([]float32, n.cfg.Batch*n.in.Size())
	for lo := 0; lo < s.Len(); lo += n.cfg.Batch {
		part := x[:min(n.cfg.Batch, s.Len()-lo)*n.in.Size()]
		s.Read(part, lo)
		if err := n.checkFrom(part, lo); err != nil {
			return err
		}
	}
	return nil
}

// checkFrom is [Net.checkTokens] of rows that begin with a number.
func (n *Net) checkFrom(x []float32, first int) error {
	if n.plan.Vocab == 0 {
		return nil
	}
	for i, v := range x {
		if !isToken(v, n.plan.Vocab) {
			w := n.in.Size()
			return fmt.Errorf("row %d, step %d: %v is no token: the network embeds whole numbers from 0 to %d", first+i/w, i%w, v, n.plan.Vocab-1)
		}
	}
	return nil
}

func setAll(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}
