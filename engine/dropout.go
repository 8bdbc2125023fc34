package engine

import "fmt"

// Dropout sets each value to 0 with probability P in training and multiplies
// the others by 1/(1−P); in inference it does nothing (Srivastava et al. 2014).
type Dropout struct {
	P float64 // 0 ≤ P < 1
}

// Infer gives the input shape.
func (d Dropout) Infer(in Shape) (Shape, error) {
	if !(d.P >= 0 && d.P < 1) {
		return nil, fmt.Errorf("%v: the probability is outside [0, 1)", d)
	}
	return in, values(d, in)
}

// String is Dropout(P).
func (d Dropout) String() string { return fmt.Sprintf("Dropout(%g)", d.P) }

func (d Dropout) cost(_, out Shape) Cost { return Cost{Activations: int64(out.Size())} }
