package optim

// Optimizer turns gradients into steps: [SGD], [Adam], [AdamW], [RMSprop],
// [AdaGrad], [AdaBound], or [Lookahead] around one of them. The learning rate
// comes from the [Schedule].
type Optimizer interface {
	// String is the optimizer's name, which checkpoints hold.
	String() string
	// Slots are the names of the optimizer's state. Each slot is a vector as long as
	// the parameters, and begins as zeros.
	Slots() []string
	// Step takes a step along the gradients of a span. It reports whether the
	// weights are finite. What a weight becomes depends on its own numbers alone: threads
	// and ranks cut the parameters anywhere.
	Step(s *Span) bool
	// Validate is an error that says which field is out of its range.
	Validate() error
}

// Span is a stretch of n parameters and what a step of them needs.
type Span struct {
	W, G  []float32   // n weights and their gradients
	State [][]float32 // for each slot its n values
	LR    float64     // learning rate
	T     int         // number of the step, from 1
	Decay float64     // factor of the weight decay: 1, or 0 for none
}
