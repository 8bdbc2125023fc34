package nas

import (
	"errors"
	"fmt"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// ErrDead means that no way leads from a network's input to its output.
var ErrDead = errors.New("nothing reaches the output")

// Network decodes the genome for samples of a shape and adds the output layer,
// [engine.Dense] with outputs values (classes, or targets of a regression). The
// error names the layer that does not fit its input.
func (g Genome) Network(in data.Shape, outputs int) (engine.Seq, error) {
	if in.Size() == 0 {
		return nil, fmt.Errorf("network %v: input shape %v has no values", g.brief(), in)
	}
	out, err := g.network(in, outputs)
	if err != nil {
		return nil, fmt.Errorf("network %v: %w", g.brief(), err)
	}
	return out, nil
}

func (g Genome) network(in data.Shape, outputs int) (engine.Seq, error) {
	var out engine.Seq
	at, err := decode(&g.root, in, &out)
	if err != nil {
		return nil, err
	}
	head := engine.Dense{Out: outputs, PerStep: g.root.ends(eachStep)}
	if _, err := head.Infer(at); err != nil {
		return nil, err
	}
	return append(out, head), nil
}

// ends reports whether an operation is the last one of a subtree.
func (n *node) ends(op string) bool {
	if n.kind == opKind {
		return n.op.name == op
	}
	return len(n.kids) > 0 && n.kids[len(n.kids)-1].ends(op)
}

// decode appends the layers of a subtree and returns the shape after them.
func decode(n *node, in data.Shape, to *engine.Seq) (data.Shape, error) {
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
	case addKind, concatKind:
		return decodeBranches(n, in, to)
	case cellKind:
		return decodeCell(n, in, to)
	}
	for i := range n.kids {
		var err error
		if in, err = decode(&n.kids[i], in, to); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// decodeBranches decodes a sum or a concatenation; a branch that returns nothing
// drops out. x + f(x) is a residual block.
func decodeBranches(n *node, in data.Shape, to *engine.Seq) (data.Shape, error) {
	var room [several]engine.Seq
	branches := room[:0]
	var body data.Shape // of the last branch that is one
	for i := range n.kids {
		var branch engine.Seq
		out, err := decode(&n.kids[i], in, &branch)
		switch {
		case errors.Is(err, ErrDead):
			continue
		case err != nil:
			return nil, err
		}
		if body == nil || len(branch) > 0 {
			body = out
		}
		branches = append(branches, branch)
	}
	switch {
	case len(branches) == 0:
		return nil, ErrDead
	case len(branches) == 1:
		*to = append(*to, branches[0]...)
		return body, nil
	case n.kind == addKind && len(branches) == 2 && len(branches[0]) == 0:
		return residual(branches[1], in, body, to)
	case n.kind == addKind && len(branches) == 2 && len(branches[1]) == 0:
		return residual(branches[0], in, body, to)
	}
	l := engine.Par{Branches: slices.Clone(branches), Concat: n.kind == concatKind}
	out, err := l.Infer(in)
	if err == nil {
		*to = append(*to, l)
	}
	return out, err
}

// residual adds x + body(x); out is the shape that body gives.
func residual(body engine.Seq, in, out data.Shape, to *engine.Seq) (data.Shape, error) {
	l := engine.Residual{Body: body}
	if _, err := engine.Projection(in, out); err != nil {
		return l.Infer(in) // an error that names the layer
	}
	*to = append(*to, l)
	return out, nil
}
