package compress

import (
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine"
)

// Prune is the network without the channels that are not kept: a smaller network of
// its own. Of each group, keep lists the numbers of the channels that stay, from 0 on;
// a group that is not in it stays as it is, and with all groups whole the outputs are
// those of n, bit for bit.
//
// The outputs are those of n with its cut channels masked: their weights, biases, γ and
// β set to 0. What an activation leaves of such a channel (½ behind a Sigmoid) goes
// into the next bias, Σ W·c, or into the mean of a batch norm that follows; that is
// exact but for the zeros at padded borders. Layer and group norms go on to count the
// cut channels as zeros.
//
// Some layers are written in another form where it is needed: a projection whose
// shapes would no longer imply it as a branch of a Par, a Transformer as its layers,
// sinusoids of Positional as learned numbers.
//
// The error names the layer that the cut does not fit, as a grouped convolution whose
// groups would differ in size.
func Prune(n *engine.Net, keep map[Group][]int) (*engine.Net, error) {
	return prune(n, keep, nil)
}

// PruneMean is [Prune], but what is left of a cut channel is its mean over the rows of a
// set, Σ W·μ in the next bias, in the network as it was before. It runs at most so many batches
// of the network's size, evenly over the set; 0 means 10.
func PruneMean(n *engine.Net, keep map[Group][]int, s *data.Set, batches int) (*engine.Net, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	means, err := means(n, s, batches)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	return prune(n, keep, means)
}

func prune(n *engine.Net, keep map[Group][]int, means map[string][]float64) (*engine.Net, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	t, err := trace(n.Layer(), n.In(), nil)
	if err == nil {
		err = t.keep(keep)
	}
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	t.old, t.mean, t.means = tensorsOf(n), means != nil, means
	b, err := t.network(n.Layer(), n.In())
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	out, err := b.compile(n)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	return out, nil
}

// Shrink is the description of the network that [Prune] makes: what it costs is known
// before there are weights.
func Shrink(l engine.Layer, in data.Shape, keep map[Group][]int) (engine.Layer, error) {
	return shrink(l, in, keep, false)
}

// ShrinkMean is the description of the network that [PruneMean] makes, in which every
// layer behind a cut has a bias.
func ShrinkMean(l engine.Layer, in data.Shape, keep map[Group][]int) (engine.Layer, error) {
	return shrink(l, in, keep, true)
}

func shrink(l engine.Layer, in data.Shape, keep map[Group][]int, mean bool) (engine.Layer, error) {
	t, err := trace(l, in, nil)
	if err != nil {
		return nil, fmt.Errorf("shrink: %w", err)
	}
	t.mean = mean
	out, err := t.shrink(keep)
	if err != nil {
		return nil, fmt.Errorf("shrink: %w", err)
	}
	return out, nil
}

func (t *traced) shrink(keep map[Group][]int) (engine.Layer, error) {
	if err := t.keep(keep); err != nil {
		return nil, err
	}
	b, err := t.network(t.layer, t.in)
	if err != nil {
		return nil, err
	}
	_, err = b.layer.Infer(t.in)
	return b.layer, err
}

// keep notes what is kept, by root.
func (t *traced) keep(keep map[Group][]int) error {
	kept := make([]bool, t.count)
	for i := range kept {
		kept[i] = true
	}
	for group, numbers := range keep {
		g, err := t.index(group)
		if err != nil {
			return err
		}
		if len(numbers) == 0 {
			return fmt.Errorf("%s: no channel is kept", group.Name)
		}
		for _, r := range t.roots[g] {
			kept[r] = false
		}
		for _, k := range numbers {
			if k < 0 || k >= group.Size {
				return fmt.Errorf("%s: channel %d is none of 0 … %d", group.Name, k, group.Size-1)
			}
			if kept[t.roots[g][k]] {
				return fmt.Errorf("%s: channel %d is listed twice", group.Name, k)
			}
			kept[t.roots[g][k]] = true
		}
		for k, r := range t.roots[g] {
			if why := t.locked[r]; why != "" && !kept[r] {
				return fmt.Errorf("%s: channel %d cannot be cut: %s", group.Name, k, why)
			}
		}
	}
	t.kept = kept
	return nil
}

// means are the mean values of what weights multiply, over the rows of a set: by the
// name of the weights, for each value of a row.
func means(n *engine.Net, s *data.Set, batches int) (map[string][]float64, error) {
	out, rows := map[string][]float64{}, 0
	err := eachBatch(n, s, batches, func(part *data.Set) error {
		x := make([]float32, part.Len()*n.In().Size())
		part.Read(x, 0)
		rows += part.Len()
		return n.Inputs(x, func(weight string, in []float32) {
			size := len(in) / part.Len()
			if out[weight] == nil {
				out[weight] = make([]float64, size)
			}
			for i, v := range in {
				out[weight][i%size] += float64(v)
			}
		})
	})
	for name, sums := range out {
		for i := range sums {
			if sums[i] /= float64(rows); math.IsNaN(sums[i]) || math.IsInf(sums[i], 0) {
				return nil, fmt.Errorf("the mean input of %s is %v", name, sums[i])
			}
		}
	}
	return out, err
}

// eachBatch cuts at most so many batches out of a set, evenly over it; 0 means 10.
func eachBatch(n *engine.Net, s *data.Set, batches int, f func(*data.Set) error) error {
	if err := n.Fits(s); err != nil {
		return err
	}
	if batches <= 0 {
		batches = 10
	}
	rows := min(n.Config().Batch, s.Len())
	batches = min(batches, s.Len()/rows)
	for k := range batches {
		lo := k * (s.Len() - rows) / max(batches-1, 1)
		if err := f(s.Slice(lo, lo+rows)); err != nil {
			return err
		}
	}
	return nil
}
