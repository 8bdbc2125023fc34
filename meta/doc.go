// Package meta makes a study start better than the ones before: it describes data
// sets ([Features]), tells how similar two are ([Similarity]), and proposes the
// best configurations of similar finished studies first ([WarmStart],
// [Interleave]), guarded so that a bad precedent costs little.
package meta
