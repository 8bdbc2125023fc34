// Package trials runs one candidate and remembers what came of it: the
// [Runner] trains a segment (report, stop early, checkpoint, meter the energy),
// the [Store] keeps studies, trials and measurements in SQLite. It knows neither
// how candidates are found nor how their networks are built: it is handed an
// [Objective].
package trials
