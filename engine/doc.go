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
// Images are NHWC. Everything is deterministic for a seed. A [Net] and its
// trainer belong to one goroutine at a time; several nets train side by side.
package engine
