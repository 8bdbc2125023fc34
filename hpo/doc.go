// Package hpo searches hyperparameters: samplers propose params ([Auto], the
// default, [GP], [TPE], [CMAES], [Evolution], [Random], [Grid], [Sobol],
// [Halton]; for several objectives [MOTPE], [EHVI], [NSGA2]). All are plain
// structs whose zero value is the documented default. The schedulers, which spend
// the budget on what a sampler proposes, are in hpo/scheduler.
package hpo
