// Package study says what a study is: how its file is read and completed, which
// methods search and stop, and the policies that decide when it ends and what it
// keeps. A [Recorder] keeps studies in the store and proposes their candidates.
// [Local] runs one on goroutines; package workflows runs it on Temporal, by the same
// policies. It is the one place that names the methods of hpo, nas and meta.
package study
