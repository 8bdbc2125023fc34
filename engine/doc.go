// Package engine trains small and medium networks on one processor core, in
// float32, without cgo.
//
// A network is a plain description, a [Seq] of layers with their output sizes
// written and their input sizes inferred. [Compile] turns it, for one input
// shape and batch size, into a static plan over one arena: parameters,
// gradients and activations are contiguous, and a training step allocates
// nothing. [Trainer] trains it epoch by epoch and can be saved and resumed bit
// for bit.
//
//	net, err := engine.Compile(engine.Seq{
//		engine.Conv{Out: 16}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
//		engine.Dense{Out: 10},
//	}, engine.Shape{28, 28, 1}, engine.Config{Batch: 64, Seed: 7})
//	…
//	trainer, err := engine.NewTrainer(net, engine.TrainConfig{Epochs: 10})
//	for range 10 {
//		loss, err := trainer.Epoch(train)
//		…
//	}
//	score, err := net.Evaluate(test)
//
// For those who know PyTorch: [Seq] is nn.Sequential, [Dense] nn.Linear, [Conv]
// nn.Conv2d with "same" padding, [Compile] replaces both the module's
// constructor and torch.compile, [Trainer.Epoch] is the training loop with
// zero_grad, backward, clip_grad_norm_ and step in it, a [Schedule] sets the
// learning rate of each step, and there is no autograd tape: each layer adds an
// operation with its own backward pass to the plan. The files follow that: one
// for each layer (dense.go, conv.go, …), builder.go and plan.go for the plan and
// its memory, net.go for what is compiled, trainer.go and checkpoint.go for
// training. The numeric core is package kernel.
//
// Images are NHWC, weights are stored in × out. Everything is deterministic for a seed. A [Net] and its
// trainer belong to one goroutine at a time; several nets train side by side.
package engine
