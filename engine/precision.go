package engine

import "fmt"

// Precision is the number format of the operands of matrix products. Sums are
// always float32, and so is everything else: the weights that the optimizer
// keeps, activations, norms, losses.
type Precision int

// The number formats.
const (
	F32  Precision = iota
	BF16           // 8 bits of exponent and of precision; faster where the processor has instructions for it
	FP16           // IEEE half precision: 5 bits of exponent, 11 of precision; wants a loss scale
)

var precisions = []string{"float32", "bfloat16", "float16"}

// String is float32, bfloat16 or float16.
func (p Precision) String() string {
	if p < 0 || int(p) >= len(precisions) {
		return fmt.Sprintf("Precision(%d)", int(p))
	}
	return precisions[p]
}
