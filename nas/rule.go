package nas

import "budwood/search"

// Rule is a rule of the grammar: [Seq], [OneOf], [Repeat], [Par], [Cell], [Op]
// or [Ref]. Rules are plain values; they are shared freely and never changed.
type Rule interface{ rule() }

// Seq applies rules one after the other. The empty Seq changes nothing.
//
// Study files write a list: [{op: dense, out: 64}, relu].
type Seq []Rule

// OneOf takes one of several rules.
//
// Study files write {oneof: [relu, gelu]}.
type OneOf []Rule

// Repeat applies a rule between Min and Max times in a row; each time it is
// derived anew.
//
// Study files write {repeat: [1, 4], of: …}.
type Repeat struct {
	Min, Max int
	Of       Rule
}

// Par gives the same input to several rules and merges what they return: it adds
// it up, or lays it side by side along the channels. Branches with unequal shapes
// get the projections they need ([engine.Par]).
//
// Study files write {add: […]} or {concat: […]}; a residual block is {add: [skip,
// …]}.
type Par struct {
	Branches []Rule
	Concat   bool
}

// Cell is a densely connected cell: Nodes nodes, of which the first is the
// input and each later one is the sum of an edge from every node before it; the
// last is the output. Every edge derives the rule Edge anew (NAS-Bench-201,
// Dong & Yang 2020, figure 1).
//
// Study files write {cell: 4, edge: {oneof: [none, skip, …]}}.
type Cell struct {
	Nodes int // at least 2
	Edge  Rule
}

// Op is an operation with its attributes: whole numbers, fractions or choices.
// An attribute that is not listed has its default. The names are those of
// [Operations].
//
// Study files write {op: conv, out: {int: [8, 64], step: 8}, kernel: [3, 5]},
// or the bare name of an operation without attributes.
type Op struct {
	Name  string
	Attrs []search.Param
}

// Ref stands for the rule of that name in [Grammar.Define].
//
// Study files write {ref: block}.
type Ref string

func (Seq) rule()    {}
func (OneOf) rule()  {}
func (Repeat) rule() {}
func (Par) rule()    {}
func (Cell) rule()   {}
func (Op) rule()     {}
func (Ref) rule()    {}

// Grammar is a rule to start from, and the named rules that it refers to. A
// rule may not refer to itself.
type Grammar struct {
	Root   Rule
	Define map[string]Rule
}
