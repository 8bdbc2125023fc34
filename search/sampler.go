package search

import (
	"context"
	"math/rand/v2"
)

// Sampler proposes params.
type Sampler interface {
	// Propose returns params for the trials First … First+N-1. It is a pure
	// function of its request: the same request gives the same params, on any
	// machine. Fewer than N params, or none and [ErrExhausted], mean that the
	// space holds no more untried points; none without it is a mistake. It neither keeps nor changes the
	// request. It must be safe for concurrent use.
	Propose(ctx context.Context, req Request) ([]Params, error)
}

// Explainer is a sampler that can say how it answers a request, in words: "gp: 41
// results over 5 parameters".
type Explainer interface {
	// Explain is about the first trial of the request; it is as pure as Propose.
	// "" says nothing.
	Explain(req Request) string
}

// Request is all that a sampler may look at.
type Request struct {
	Space      Space
	Objectives []Objective // at least one; the first is the main one
	Past       []Record    // the trials known so far, by ID; the running and paused ones too
	First      int         // number of the first trial to propose
	N          int
	Seed       uint64 // of the study

	// Constraints are what every proposed point satisfies; they belong to Space.
	Constraints Constraints
}

// Rand is the source of randomness of trial number First+i: it depends on the
// study's seed and on the trial, not on the order of calls.
func (r Request) Rand(i int) *rand.Rand { return Rand(r.Seed, r.First+i) }

// Rand is a trial's source of randomness.
func Rand(seed uint64, trial int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(trial))) }
