package nas

import (
	"errors"
	"fmt"

	"budwood/engine"
)

// ErrDead means that no way leads from a network's input to its output.
var ErrDead = errors.New("nothing reaches the output")

// Network decodes the genome for samples of a shape and adds the output layer,
// [engine.Dense] with outputs values (classes, or targets of a regression). The
// error names the layer that does not fit its input.
func (g Genome) Network(in engine.Shape, outputs int) (engine.Seq, error) {
	if in.Size() == 0 {
		return nil, fmt.Errorf("network %v: input shape %v has no values", g, in)
	}
	out, err := g.network(in, outputs)
	if err != nil {
		return nil, fmt.Errorf("network %v: %w", g, err)
	}
	return out, nil
}

func (g Genome) network(in engine.Shape, outputs int) (engine.Seq, error) {
	var out engine.Seq
	at, err := decode(&g.root, in, &out)
	if err != nil {
		return nil, err
	}
	head := engine.Dense{Out: outputs}
	if _, err := head.Infer(at); err != nil {
		return nil, err
	}
	return append(out, head), nil
}

// decode appends the layers of a subtree and returns the shape after them.
func decode(n *node, in engine.Shape, to *engine.Seq) (engine.Shape, error) {
	switch n.kind {
	case opKind:
		if n.op.layers == nil {
			return nil, ErrDead
		}
		if n.op.changesNothing(n.vals) {
			return in, nil
		}
		for _, l := range n.op.layers(n.vals, in) {
			out, err := l.Infer(in)
			if err != nil {
				return nil, err
			}
			in = out
			*to = append(*to, l)
		}
		return in, nil
	case addKind:
		return decodeSum(n, in, to)
	case cellKind:
		return nil, errors.New("the engine has no cells yet")
	}
	for i := range n.kids {
		var err error
		if in, err = decode(&n.kids[i], in, to); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// decodeSum decodes x + f(x) as a residual block; a branch that returns nothing
// drops out.
func decodeSum(n *node, in engine.Shape, to *engine.Seq) (engine.Shape, error) {
	skips := 0
	var body engine.Seq
	var out engine.Shape
	alive := false
	for i := range n.kids {
		var branch engine.Seq
		shape, err := decode(&n.kids[i], in, &branch)
		switch {
		case errors.Is(err, ErrDead):
			continue
		case err != nil:
			return nil, err
		case len(branch) == 0 && skips == 0:
			skips++
		case !alive:
			alive, body, out = true, branch, shape
		default:
			return nil, errors.New("the engine adds one branch to its input, no more yet")
		}
	}
	switch {
	case alive && skips > 0:
		r := engine.Residual{Body: body}
		if _, err := r.Infer(in); err != nil {
			return nil, err
		}
		*to = append(*to, r)
		return out, nil
	case alive:
		*to = append(*to, body...)
		return out, nil
	case skips > 0:
		return in, nil
	}
	return nil, ErrDead
}
