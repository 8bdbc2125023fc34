// Package plan is the static plan of a network: which ops run in which order, and
// where in one arena each value lies. Layers are its clients: they add rows,
// parameters, blocks and ops to a [Builder], which knows none of them.
//
// What is what, with its shape (B is the batch, S the shape of one sample):
//
//	b   Builder   the plan while layers add to it
//	x   Tensor    the input of a layer, B × S
//	y   Tensor    its output
//	x.Data        the block of its values, B × S floats
//	x.Grad        the block of the gradient of the loss by it, B × S floats
//	k   Block     a piece of the arena; Size floats, of each sample Sample
//	w   Param     a trained tensor: W its values, G its gradient
//	o   Op        a step of the plan: Bind, Forward, Backward
//	p   Pass      one run through the ops, of p.Rows ≤ B samples
//	i             the number of an op, from 1: its moment in the forward pass
//	[First, Last] the moments between which a block is in use
//
// A training step runs the ops forward, then the loss, then the ops backward in
// the opposite order. [Builder.Add] says which blocks an op touches at both of its
// moments. From this follow the lives of the blocks, and [LayOut] gives each of
// them a place that no other block has during its life. When the arena exists,
// [Builder.Bind] hands it out.
//
// An op writes the gradients of its inputs and does not add to them. Where two
// layers read one tensor, [Builder.Split] makes a second reader with a gradient of
// its own, and adds the two. An op that works value by value shares the memory of
// its input, if the op before does not need its values ([Builder.InPlace], [Need]).
//
// [Outline] makes a plan for its costs alone; searches do so for thousands of
// networks, and it allocates next to nothing.
package plan
