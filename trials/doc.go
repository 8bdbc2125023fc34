// Package trials runs one candidate: the [Runner] trains a segment of a trial. It
// hands the trial to a [TrainFunc], takes its reports, stops it early, keeps its
// checkpoints and meters its energy. It knows neither how candidates are found nor
// where results are kept: what came of a segment is a [segment.Result], which
// package trials/store keeps in SQLite.
package trials
