// Package optim has the optimizers, which turn gradients into steps, and the
// schedules, which set the learning rate of each step. One file holds one of
// them. It knows no network: an [Optimizer] works on a [Span] of numbers, and a
// [Schedule] on the [Progress] of training.
//
// The state of an optimizer is a vector as long as the parameters for each of
// its slots. Whoever trains holds it and saves it.
package optim
