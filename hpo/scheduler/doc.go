// Package scheduler spends the budget of a study on its trials: it says which
// trial begins, goes on or stops. [ASHA] is the default of a study;
// [SuccessiveHalving], [Hyperband], [MedianStopping], [Plateau] and
// [Extrapolation] stop trials by other rules, and [NoStopping] stops none. All are
// plain structs whose zero value is the documented default, and whose fields hold
// their whole state, so that a scheduler is saved as JSON.
package scheduler
