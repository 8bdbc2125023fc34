// Package search is the vocabulary of a study: what can be tried ([Space],
// [Param], [Params]), what was seen ([Record], [Measurement], [Objective]), who
// proposes ([Sampler]), who spends the budget ([Scheduler], [Event], [Action]),
// and the bookkeeping between them ([Loop]).
//
// It does no I/O, reads no clock and starts no goroutine, so that the same
// decisions are made in a test, in virtual time, on goroutines and inside a
// durable workflow.
package search
