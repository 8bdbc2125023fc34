package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Par is parallel branches that read the same input and meet again: their
// outputs are added, or with Concat laid side by side along the last axis. An
// empty branch is the input itself.
//
// Branches whose outputs differ go through a projection without bias, as in a
// [Residual]. The output with the fewest steps or pixels sets the shape (that of
// an empty branch only if no other has as few; else the first): larger ones are
// brought to it by a 1×1 convolution with the stride that fits, or by a [Dense]
// if it is flat. A sum projects to its number of features too, Concat keeps
// those of each branch.
type Par struct {
	Branches []Seq // at least one
	Concat   bool
}

// Infer gives the shape of the sum, or of the outputs side by side.
func (p Par) Infer(in data.Shape) (data.Shape, error) {
	shapes, err := p.shapes(in)
	if err != nil {
		return nil, err
	}
	target := p.target(shapes)
	out := slices.Clone(target)
	last := len(out) - 1
	out[last] = 0
	for i, s := range shapes {
		if _, err := Projection(s, p.wanted(s, target)); err != nil {
			return nil, fmt.Errorf("%v: branch %d gives %v: %w", p, i, s, err)
		}
		out[last] += p.wanted(s, target)[last]
	}
	if !p.Concat {
		return target, nil
	}
	return out, sized(p, "features", out[last], 1)
}

// shapes are the outputs of the branches.
func (p Par) shapes(in data.Shape) ([]data.Shape, error) {
	if len(p.Branches) == 0 {
		return nil, fmt.Errorf("Par: no branches")
	}
	shapes := make([]data.Shape, len(p.Branches))
	for i, s := range p.Branches {
		var err error
		if shapes[i], err = s.Infer(in); err != nil {
			return nil, fmt.Errorf("Par: branch %d: %w", i, err)
		}
	}
	return shapes, nil
}

// Meet gives the shape that each branch is brought to by a [Projection], for an
// input shape.
func (p Par) Meet(in data.Shape) ([]data.Shape, error) {
	shapes, err := p.shapes(in)
	if err != nil {
		return nil, err
	}
	target := p.target(shapes)
	for i, s := range shapes {
		shapes[i] = p.wanted(s, target)
	}
	return shapes, nil
}

// target is the output that sets the shape.
func (p Par) target(shapes []data.Shape) data.Shape { return meeting(shapes, p.Branches) }

// meeting is the shape in which branches meet.
func meeting(shapes []data.Shape, branches []Seq) data.Shape {
	best := -1
	for i, s := range shapes {
		if best < 0 || plan.Places(s) < plan.Places(shapes[best]) ||
			plan.Places(s) == plan.Places(shapes[best]) && len(branches[best]) == 0 && len(branches[i]) > 0 {
			best = i
		}
	}
	return shapes[best]
}

// wanted is the shape that a branch of shape s is brought to.
func (p Par) wanted(s, target data.Shape) data.Shape {
	if !p.Concat {
		return target
	}
	out := slices.Clone(target)
	out[len(out)-1] = s[len(s)-1]
	return out
}

// String is Par(add) or Par(concat) with the branches.
func (p Par) String() string {
	branches := make([]string, len(p.Branches))
	for i, s := range p.Branches {
		branches[i] = s.String()
	}
	return p.name() + "[" + strings.Join(branches, " | ") + "]"
}

func (p Par) name() string {
	if p.Concat {
		return "Par(concat)"
	}
	return "Par(add)"
}

func (p Par) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	own := b.Layer(title(p.name()), x.Shape, 0)
	shapes, err := p.shapes(x.Shape)
	if err != nil {
		return x
	}
	target := p.target(shapes)
	parts := make([]plan.Tensor, len(p.Branches))
	for i, s := range p.Branches {
		into := x
		into.Need = plan.NeedValues
		if i < len(p.Branches)-1 {
			into = b.Split(x)
		}
		b.Within(strconv.Itoa(i), func() {
			parts[i] = s.build(b, into)
			if l, err := Projection(parts[i].Shape, p.wanted(parts[i].Shape, target)); err == nil && l != nil {
				b.Within("projection", func() { parts[i] = l.build(b, parts[i]) })
			}
		})
	}
	b.At = own
	var y plan.Tensor
	if p.Concat {
		y = b.Concat(parts)
	} else {
		y = b.Sum(parts)
	}
	b.Rows[own].Out = y.Shape
	return y
}
