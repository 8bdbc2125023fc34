// Package crew lends cores that nobody uses to trials that are already running. It knows
// no tensors and no trials.
//
// A [Pool] is the cores of a machine as one process sees them: what its own trials
// compute on, and what other processes take. A [Team] is a trial's view of it, and does
// parts of the trial's work on cores that are idle at that moment. Nobody waits for a
// core: where none is idle, the caller does all of the work, in the same order.
//
// Who does a part is not part of the result: the parts are independent of each other, and
// the caller puts them together in their order.
package crew
