// Package searchtest checks samplers and schedulers: a conformance suite for
// each interface ([Sampler], [Scheduler]), problems whose minimum is known
// ([Problem]), and a simulator that runs a whole study in virtual time
// ([Simulate]).
package searchtest
