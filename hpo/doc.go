// Package hpo searches hyperparameters: samplers propose params ([Auto], the
// default, [GP], [TPE], [CMAES], [Evolution], [Random], [Grid], [Sobol],
// [Halton]; for several objectives [MOTPE], [EHVI], [NSGA2]), schedulers spend
// the budget on them ([Full], [SuccessiveHalving], [ASHA], [Hyperband],
// [MedianStopping], [Plateau], [Extrapolation]). Both are plain structs whose
// zero value is the documented default.
package hpo
