package engine

// BatchNorm normalises each feature, or each channel of an image, over the
// batch, and scales and shifts it by trained γ and β (Ioffe & Szegedy 2015).
// ε is 1e-5. In inference it uses running averages, updated in training with
// momentum 0.1.
type BatchNorm struct{}

// Infer gives the input shape.
func (b BatchNorm) Infer(in Shape) (Shape, error) { return in, values(b, in) }

// String is BatchNorm.
func (BatchNorm) String() string { return "BatchNorm" }

func (BatchNorm) cost(in, _ Shape) Cost {
	return Cost{Params: 2 * int64(in[len(in)-1]), Activations: int64(in.Size())}
}
