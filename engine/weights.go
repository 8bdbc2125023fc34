package engine

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"budwood/engine/safetensors"
)

// The format of files of weights, in their metadata.
const weightsFormat = "budwood weights 1"

// Save writes a network that is not trained further, in the safetensors format:
// weights and running statistics under their own names. In BF16 and FP16 the file
// has half the size: weights are rounded, with a relative error of at most 2⁻⁸ and
// 2⁻¹¹ of numbers that are not tiny; statistics, which are few and may be large,
// stay in F32. A weight above 65504 has no form in FP16, which is an error. See
// [Trainer.Save] for checkpoints to go on from.
func (n *Net) Save(w io.Writer, p Precision) error {
	if n.err != nil {
		return n.err
	}
	if err := p.validate(); err != nil {
		return fmt.Errorf("save weights: %w", err)
	}
	if n.params == nil {
		return errors.New("save weights: this rank has pieces of them: see Trainer.Whole")
	}
	if err := n.isPart(); err != nil {
		return fmt.Errorf("save weights: %w", err)
	}
	tensors := n.Tensors()
	for i := range tensors {
		tensors[i].Type = p.Dtype()
	}
	meta := map[string]string{"format": weightsFormat, "network": n.layer.String(), "input": n.in.String()}
	if err := safetensors.Write(w, meta, slices.Concat(tensors, n.Statistics())); err != nil {
		return fmt.Errorf("save weights: %w", err)
	}
	return nil
}

// Load reads weights and running statistics that were saved from the same
// network, in whatever number format, into float32. On an error nothing has
// changed.
func (n *Net) Load(r io.Reader) error {
	if n.err != nil {
		return n.err
	}
	if err := n.isPart(); err != nil {
		return fmt.Errorf("load weights: %w", err)
	}
	_, tensors, err := safetensors.Read(r)
	if err != nil {
		return fmt.Errorf("load weights: %w", err)
	}
	want := slices.Concat(n.Tensors(), n.Statistics())
	if err := match(want, tensors); err != nil {
		return fmt.Errorf("load weights: %w", err)
	}
	copyTensors(want, tensors)
	return nil
}

// copyTensors copies the data of the tensors of the same name, of which there is
// one each.
func copyTensors(to, from []safetensors.Tensor) {
	byName := make(map[string][]float32, len(from))
	for _, x := range from {
		byName[x.Name] = x.Data
	}
	for _, x := range to {
		copy(x.Data, byName[x.Name])
	}
}
