// Package hpo searches hyperparameters: samplers propose params ([Random],
// [Grid], [Halton], [TPE]), schedulers spend the budget on them ([Full],
// [SuccessiveHalving], [ASHA], [Hyperband], [MedianStopping], [Plateau],
// [Extrapolation]). Both are plain
// structs whose zero value is the documented default.
package hpo
