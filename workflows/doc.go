// Package workflows runs studies durably on Temporal: a study workflow holds
// the scheduler and the counters, a trial workflow trains one segment, and
// activities propose, train, record and test. It is the one place that names
// the methods of hpo, nas and meta.
package workflows
