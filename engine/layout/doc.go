// Package layout predicts the time and the memory of a training step on many
// devices, and searches how to lay the step out on them.
//
// A [Model] is a list of layers with the work and the bytes of each; [GPT] makes
// one from the sizes of a language model. A [Cluster] is what there is to compute
// on. A [Plan] says how the work is cut: by rows (data), by columns (tensor), by
// layers (pipeline), how the state is shared (zero), how many micro-batches make
// a step, and what is computed again instead of kept (recompute).
//
//	p := layout.Problem{Cluster: cluster, Model: layout.GPT{…}.Model(2304, layout.BF16)}
//	answer, err := p.Search() // the fastest plan that fits, and the next five
//	e, err := p.Price(plan)   // the time and memory of one plan
//
// The package computes with numbers alone: it knows no tensors, opens no
// connection and starts no goroutine.
//
// # Symbols
//
//	t, p, d   tensor, pipeline, data: how often the work is cut
//	m         micro-batches of a step
//	b         samples of a micro-batch on one lane: batch = d·m·b
//	v         chunks: how many separate pieces of the network a stage has
//	N         members of a data group that are processes of their own
//	Ψ         parameters of a stage on one lane
//	w, g, s   bytes a parameter of weights, gradients, optimizer state
//
// # Where things are
//
//	cluster.go   what there is: devices, links
//	model.go     what is computed: layers and their sizes
//	gpt.go       a language model as layers
//	plan.go      how the work is cut
//	check.go     which cuts are possible
//	stages.go    where the pipeline is cut
//	schedule.go  the order of a stage's work: 1F1B, and with chunks
//	simulate.go  how long a schedule takes
//	wire.go      how long groups take to add or gather
//	memory.go    what a rank holds
//	compute.go   how long a layer takes
//	problem.go   a problem, and what its plans have in common
//	price.go     the whole: the time of a plan
//	estimate.go  what is told of it, and the bytes it sends
//	search.go    the best plan
//	why.go       why the others lost
//	constants.go the fitted constants; fitted.json has them with their residuals
//	fit/         the program that fits them
package layout
