// Package quant computes trained networks in integers of 8 bits.
//
// [Quantize] folds batch norms, finds the range of every value on training rows, and
// makes codes of the weights: signed, symmetric, a scale for each output channel. Values
// are unsigned bytes with a scale and a zero point for each tensor (Jacob et al. 2018,
// "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
// Inference", section 2).
//
// Products (Dense, Conv, Conv1D), sums, concatenations and pools compute in integers:
// their sums are exact, so that every instruction set gives the same bits. All other
// layers compute in float32, between codes; [Net.Floats] names them. The output is
// float32.
package quant
