// Package workflows runs studies durably on Temporal: a study workflow holds the
// scheduler and the counters, a trial workflow trains one segment, and activities
// propose, train, record and test. What a study is, and what it does next, package
// study says.
package workflows
