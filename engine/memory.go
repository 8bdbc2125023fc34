package engine

import "fmt"

// Memory is what a plan allocates, in bytes. Nothing is allocated later, so that
// Train is the peak of training.
type Memory struct {
	Params      int64 // trained numbers
	Grads       int64 // their gradients
	Optimizer   int64 // its state, and what the trainer keeps beside it
	Activations int64 // activations and their gradients, statistics, tables, targets of a batch and scratch
	Train       int64 // all of these
	Infer       int64 // what inference alone would need: parameters, statistics, and the most that a forward pass of a batch holds at once
}

// Footprint is the memory of training a network in batches with an optimizer
// (nil means [AdamW]) in float32, before anything is allocated. The error is that of
// [Measure].
func Footprint(l Layer, in Shape, batch int, o Optimizer) (Memory, error) {
	if _, _, err := Measure(l, in); err != nil {
		return Memory{}, err
	}
	if batch < 1 || batch > maxDim {
		return Memory{}, fmt.Errorf("footprint: batch %d is outside [1, %d]", batch, maxDim)
	}
	if o == nil {
		o = AdamW{}
	}
	b, _, y := build(l, in, batch, F32.format())
	layOut(b.blocks)
	return b.memory(y.shape, len(o.slots())), nil
}

// Memory is what the network and the trainer have allocated.
func (t *Trainer) Memory() Memory {
	states := len(t.slots)
	if t.held != nil {
		states++
	}
	if t.average != nil {
		states++
	}
	return t.net.plan.memory(t.net.out, states)
}

// String lists the parts: "parameters 9.6 KiB, gradients 9.6 KiB, …".
func (m Memory) String() string {
	return fmt.Sprintf("parameters %s, gradients %s, optimizer %s, activations and scratch %s, in all %s; inference alone %s",
		memory(m.Params), memory(m.Grads), memory(m.Optimizer), memory(m.Activations), memory(m.Train), memory(m.Infer))
}

// memory sums up a plan that is laid out, with that many numbers of optimizer
// state for each parameter.
func (b *builder) memory(out Shape, states int) Memory {
	params, stats, tables := total(b.params), total(b.stats), total(b.tables)
	rest := plus(plus(aligned(stats), aligned(tables)), reach(b.blocks))
	rest = plus(rest, product(2+states, int(aligned(params)-params))) // what fills up cache lines
	targets := product(b.batch, out.Size()+labels(out))
	m := Memory{
		Params: inBytes(params), Grads: inBytes(params),
		Optimizer:   inBytes(product(states, int(params))),
		Activations: inBytes(plus(rest, targets)),
		Infer:       inBytes(plus(plus(params, stats), plus(tables, layOut(b.forwardBlocks())))),
	}
	m.Train = plus(plus(m.Params, m.Grads), plus(m.Optimizer, m.Activations))
	return m
}

// total is the size of a list of tensors.
func total(ps []*param) (n int64) {
	for _, p := range ps {
		n = plus(n, p.size)
	}
	return n
}

// reach is the number of floats that laid out blocks take in all.
func reach(blocks []*block) (n int64) {
	for _, b := range blocks {
		if b.last != never {
			n = max(n, plus(int64(b.off), b.size))
		}
	}
	return aligned(n)
}

// forwardBlocks is copies of the blocks that the forward pass uses, with their
// lives in it.
func (b *builder) forwardBlocks() []*block {
	var out []*block
	for _, k := range b.blocks {
		if k.last != never && k.first < lossMoment {
			out = append(out, &block{size: k.size, first: k.first, last: k.forward})
		}
	}
	return out
}

// labels is the number of classes that a row of an output can have: one for each
// row of logits.
func labels(out Shape) int { return max(out.Size()/out[len(out)-1], 1) }

func inBytes(floats int64) int64 { return product(4, int(floats)) }

// memory writes a number of bytes.
func memory(bytes int64) string {
	b := float64(bytes)
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if b < 1024 {
			return fmt.Sprintf("%.4g %s", b, unit)
		}
		b /= 1024
	}
	return fmt.Sprintf("%.4g GiB", b)
}
