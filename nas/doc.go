// Package nas searches network architectures.
//
// A [Space] is a small typed grammar ([Seq], [OneOf], [Repeat], [Par], [Cell],
// [Op], [Ref]); study files write it in the architecture block ([Spec]), in
// full or as one of the ready-made families. A [Genome] is a derivation of the
// grammar: the decisions that lead to one network. It can be sampled, mutated
// and crossed, always gives a valid network of the engine, and has a canonical
// hash under which equal networks are equal.
//
// Output sizes are written, input sizes are inferred from the data, and what a
// network costs ([Limits]) is known before anything is trained.
//
// [Evolution], [LocalSearch], [Predictor], [NSGA2] and [NSGA3] (several objectives) and
// [Random] are samplers of the search package: they propose architecture and
// hyperparameters together.
package nas
