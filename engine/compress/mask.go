package compress

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"budwood/engine"
	"budwood/engine/safetensors"
)

// A mask of weights is as long as the parameters: 0 where a weight is to be 0, else 1.
// [engine.TrainConfig] takes it. It makes files smaller where they are packed, and no
// network faster: what is multiplied by 0 is still multiplied.

// Magnitude masks a share of the weights of every tensor of two axes and more, not of
// biases and norms: ⌊share·n + ½⌋ of n, the smallest ones by magnitude, or by scores,
// as long as the parameters, if there are any (see [Move]). Of equal ones the lower
// index stays.
func Magnitude(n *engine.Net, share float64, scores []float32) ([]float32, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	if !(share >= 0 && share < 1) {
		return nil, fmt.Errorf("mask: a share of %v is outside [0, 1)", share)
	}
	if scores != nil && len(scores) != len(n.Params()) {
		return nil, fmt.Errorf("mask: %d scores for %d parameters", len(scores), len(n.Params()))
	}
	return masks(n, func(t safetensors.Tensor, at int, mask []float32) {
		value := func(i int) float64 { return math.Abs(float64(t.Data[i])) }
		if scores != nil {
			value = func(i int) float64 { return float64(scores[at+i]) }
		}
		order := make([]int, len(t.Data))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(value(a), value(b)), b-a) })
		for _, i := range order[:int(math.Floor(share*float64(len(order))+.5))] {
			mask[i] = 0
		}
	}), nil
}

// NM masks all but keep of each of consecutive weights along the axis of inputs, the
// largest ones by magnitude, in every tensor of two axes and more (Mishra et al. 2021).
// What is left over at the end of an axis stays whole. Of equal ones the lower index
// stays.
func NM(n *engine.Net, keep, of int) ([]float32, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	if keep < 1 || keep > of {
		return nil, fmt.Errorf("mask: %d of %d weights", keep, of)
	}
	return masks(n, func(t safetensors.Tensor, _ int, mask []float32) {
		rows, cols := t.Shape[len(t.Shape)-2], t.Shape[len(t.Shape)-1]
		order := make([]int, of)
		for first := 0; first < len(mask); first += rows * cols {
			for lo := 0; lo+of <= rows; lo += of {
				for c := range cols {
					for i := range order {
						order[i] = first + (lo+i)*cols + c
					}
					cutOff(mask, t.Data, order, of-keep)
				}
			}
		}
	}), nil
}

// cutOff masks the n smallest weights at some places.
func cutOff(mask, w []float32, places []int, n int) {
	slices.SortFunc(places, func(a, b int) int {
		return cmp.Or(cmp.Compare(math.Abs(float64(w[a])), math.Abs(float64(w[b]))), b-a)
	})
	for _, i := range places[:n] {
		mask[i] = 0
	}
}

// masks makes a mask tensor by tensor.
func masks(n *engine.Net, each func(t safetensors.Tensor, at int, mask []float32)) []float32 {
	out := make([]float32, len(n.Params()))
	for i := range out {
		out[i] = 1
	}
	at := 0
	for _, t := range n.Tensors() {
		if len(t.Shape) > 1 {
			each(t, at, out[at:at+len(t.Data)])
		}
		at += len(t.Data)
	}
	return out
}

// Mask sets the weights to 0 where the mask is 0.
func Mask(n *engine.Net, mask []float32) {
	for i, m := range mask {
		if m == 0 {
			n.Params()[i] = 0
		}
	}
}

// Move adds −w·g of a step to the scores of movement pruning: a weight that moves away
// from 0 counts (Sanh et al. 2020). w are the weights that the gradient is of.
func Move(scores, w, g []float32) {
	for i := range scores {
		scores[i] -= w[i] * g[i]
	}
}
