package engine

import (
	"fmt"
	"math"

	"budwood/data"
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
	if err := size(e, "vocabulary", e.Vocab, 1); err != nil {
		return nil, err
	}
	if err := size(e, "size", e.Out, 1); err != nil {
		return nil, err
	}
	return data.Shape{in[0], e.Out}, nil
}

// String is Embedding(Vocab, Out).
func (e Embedding) String() string { return fmt.Sprintf("Embedding(%d, %d)", e.Vocab, e.Out) }

func (e Embedding) build(b *builder, x tensor) tensor {
	if x.data == b.input && (b.vocab == 0 || e.Vocab < b.vocab) {
		b.vocab = e.Vocab
	}
	fill := e.Init
	if fill == nil {
		fill = Normal{Std: 1}
	}
	out := data.Shape{x.shape[0], e.Out}
	b.layer(e, out, 0)
	o := &embedding{x: x, steps: x.shape[0], vocab: e.Vocab, out: e.Out, w: b.param("weight", initial(fill, e.Vocab, e.Out, 1), e.Vocab, e.Out)}
	o.y = b.output(x, out, true, needNothing)
	b.add(o, []*block{x.data, o.y.data}, []*block{x.data, x.grad, o.y.grad})
	return o.y
}

// embedding is the op of Embedding.
type embedding struct {
	x, y              tensor
	steps, vocab, out int
	w                 *param // vocab × out
}

func (o *embedding) bind() {}

func (o *embedding) forward(p pass) {
	for i, v := range o.x.data.data[:p.rows*o.steps] {
		y := o.y.data.data[i*o.out : (i+1)*o.out]
		if isToken(v, o.vocab) {
			copy(y, o.w.w[int(v)*o.out:])
			continue
		}
		for j := range y {
			y[j] = float32(math.NaN())
		}
	}
}

func (o *embedding) backward(p pass) {
	clear(o.w.g)
	for i, v := range o.x.data.data[:p.rows*o.steps] {
		if isToken(v, o.vocab) {
			kernel.Add(o.w.g[int(v)*o.out:(int(v)+1)*o.out], o.y.grad.data[i*o.out:(i+1)*o.out])
		}
	}
	if o.x.grad != nil {
		clear(o.x.grad.data[:p.rows*o.steps]) // tokens do not move
	}
}

func isToken(v float32, vocab int) bool {
	return v >= 0 && v < float32(vocab) && v == float32(int(v))
}

// checkTokens tells whether inputs are tokens, if the network wants them.
func (n *Net) checkTokens(x []float32) error { return n.checkFrom(x, 0) }

// checkRows is [Net.checkTokens] of the inputs of a set.
func (n *Net) checkRows(s *data.Set) error {
	if n.plan.vocab == 0 || s.Rows == nil {
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
	if n.plan.vocab == 0 {
		return nil
	}
	for i, v := range x {
		if !isToken(v, n.plan.vocab) {
			w := n.in.Size()
			return fmt.Errorf("row %d, step %d: %v is no token: the network embeds whole numbers from 0 to %d", first+i/w, i%w, v, n.plan.vocab-1)
		}
	}
	return nil
}
