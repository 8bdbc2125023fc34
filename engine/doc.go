// Package engine trains small and medium networks on one processor core, in
// float32, without cgo.
//
// A network is a plain description, a [Seq] of layers with their output sizes
// written and their input sizes inferred. [Compile] turns it, for one input
// shape and batch size, into a static plan over one arena: parameters,
// gradients and activations are contiguous, and a training step allocates
// nothing. [Trainer] trains it epoch by epoch, or step by step, and can be saved
// and resumed bit for bit.
//
//	net, err := engine.Compile(engine.Seq{
//		engine.Conv{Out: 16}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{},
//		engine.Dense{Out: 10},
//	}, data.Shape{28, 28, 1}, engine.Config{Batch: 64, Seed: 7})
//	…
//	trainer, err := engine.NewTrainer(net, engine.TrainConfig{Epochs: 10})
//	for range 10 {
//		loss, err := trainer.Epoch(train)
//		…
//	}
//	score, err := net.Evaluate(test)
//
// # For those who know PyTorch
//
// [Seq] is nn.Sequential; [Compile] replaces both the module's constructor and
// torch.compile; [Trainer.Epoch] is the training loop, with zero_grad, backward,
// clip_grad_norm_ and step in it; an [optim.Schedule] sets the learning rate of each
// step. There is no autograd tape: each layer adds an operation with its own
// backward pass to the plan.
//
//	nn.Linear                    Dense{Out, PerStep: true}; Dense{Out} flattens first
//	nn.Conv2d, nn.Conv1d         Conv, Conv1D: "same" padding, or Valid, Pad, Causal; Columns for what is not square
//	nn.MaxPool2d(3, 2, 1)        MaxPool{Size: 3, Stride: 2, Pad: Pad{1, 1, 1, 1}}
//	nn.ReLU6, nn.Hardswish       Clip{}, HardSwish{}
//	nn.BatchNorm2d, LayerNorm,   BatchNorm, LayerNorm,
//	  GroupNorm                    GroupNorm
//	nn.MultiheadAttention        Attention{Heads, Causal}
//	nn.TransformerEncoderLayer   Transformer{Heads, Hidden, Activation: ReLU{}, PostNorm: true}
//	nn.GRU, output[:, -1]        GRU, LastStep
//	nn.Embedding                 Embedding on a row of token numbers
//	x + f(x)                     Residual{Body}
//	torch.cat, or a + b          Par{Branches, Concat}
//	nn.AdaptiveAvgPool2d(1)      GlobalAvgPool
//	x.view, x.flatten(1)         Reshape, Flatten
//	nn.Upsample                  Upsample
//	nn.init                      the Init of a layer: Kaiming, Xavier, Orthogonal, Normal, Zeros
//	torchinfo.summary            Net.Summary; Measure and Footprint before anything is allocated
//	model.state_dict, torch.save Net.Save and Load, in float32, bfloat16 or float16; Trainer.Save to go on later
//	torch.autocast               Config.Precision, with loss scaling in float16
//	torch.onnx.export            package onnx
//	DataLoader, TensorDataset    data.Set, TrainConfig.Prefetch; package data reads files
//
// [SqueezeExcite], [FPN] (feature pyramid), [Positional], [ClassToken] and [Cell] (any
// directed graph of a few nodes) are layers too.
//
// A [data.Shape] is that of one sample: {features}, {steps, features} or {height,
// width, channels}. Images are NHWC, weights are stored in × out. A class for
// each step of a sequence in [data.Set] makes a language model of an output {steps,
// classes}.
//
// # Where things are
//
// One file for each layer (dense.go, attention.go, …; what a convolution
// computes is in conv_op.go and conv_back.go), internal/plan for the plan and its
// memory, net.go for what is compiled, blame.go for the search for
// NaN; trainer.go and checkpoint.go for training, whose losses are package loss,
// and whose optimizers and schedules are package optim. A new layer
// implements [Layer]: Infer checks sizes, build adds tensors, parameters and an
// op to the builder. internal/plan says how tensors that are read twice get
// their gradients. The numeric core is package kernel.
//
// Everything is deterministic for a seed. A [Net] and its trainer belong to one
// goroutine at a time; several nets train side by side.
package engine
