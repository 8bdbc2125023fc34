// Package kernel is the numeric core of the engine: matrix products and the
// loops over contiguous float32 slices that training consists of.
//
// Matrices are row-major. Slices that are written never overlap others unless a
// function says so; where it says "may be the same slice", the function works in
// place. Lengths are the caller's business: a slice that is too short panics
// with an index error before anything outside it is touched.
package kernel

//go:generate go run ./gen
