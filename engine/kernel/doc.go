// Package kernel is the numeric core of the engine: matrix products and the
// loops over contiguous float32 slices that training consists of.
//
// Every function exists in plain Go. On amd64 the inner loops are assembly for
// AVX-512 or AVX2 with FMA, written by the program in gen; the best that the
// processor has is chosen when the program starts. The environment variable
// ENGINE_CPU=generic, avx2 or avx512 asks for one of them, to test it. Results on
// one path are the same bit for bit from run to run; between paths they differ
// by rounding. The tests hold every path to the same formula in float64: 2e-6 of
// the sum of magnitudes for products, 1e-6 for functions of one value, 4e-6 for
// their gradients.
//
// Matrices are row-major. Slices that are written never overlap others unless a
// function says so; where it says "may be the same slice", the function works in
// place. Lengths are the caller's business: a slice that is too short panics
// with an index error before anything outside it is touched.
package kernel

//go:generate go run ./gen
