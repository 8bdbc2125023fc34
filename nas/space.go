package nas

import (
	"errors"
	"fmt"

	"budwood/data"
	"budwood/engine"
)

// Space is what an architecture search searches: the derivations of a grammar
// whose networks stay within limits. Make it with [New], or with [Spec.Space]
// from a study file, and bind it to the data with [Space.For]. Nothing changes
// a space, though it remembers what its samplers read; it is safe for concurrent
// use.
type Space struct {
	root     *production
	limits   Limits
	folds    int        // networks of a candidate, which the limits are for together
	in       data.Shape // nil until bound
	outputs  int
	smallest Genome // of a bound space
	written  bool   // networks are the same only if they are written the same; see mark
	inherits bool   // see Inheriting
	memo     *memo  // of the study that its samplers serve
}

// New makes a space of every derivation of a grammar. A space that is not bound
// by [Space.For] knows no costs, so that no limits hold. The error is a
// [*GrammarError].
func New(g Grammar, l Limits) (*Space, error) {
	if err := l.validate(); err != nil {
		return nil, err
	}
	root, err := compile(g)
	if err != nil {
		return nil, err
	}
	return &Space{root: root, limits: l, folds: 1, memo: new(memo)}, nil
}

// For binds the space to samples of a shape and a number of outputs (classes,
// or targets of a regression). It is an error if no network of the
// grammar fits the shape, or if none keeps within the limits; the latter wraps
// [ErrLimit].
func (s *Space) For(in data.Shape, outputs int) (*Space, error) {
	if in.Size() == 0 || outputs < 1 {
		return nil, fmt.Errorf("architecture: input shape %v and %d outputs are no data to learn from", in, outputs)
	}
	b := &Space{root: s.root, limits: s.limits, folds: s.folds, in: in, outputs: outputs, memo: new(memo)}
	g, err := b.shrink()
	if errors.Is(err, ErrLimit) {
		together := ""
		if s.folds > 1 {
			together = fmt.Sprintf(", in %d folds together", s.folds)
		}
		return nil, fmt.Errorf("architecture: even the smallest network, %v,%s is %w", g.brief(), together, err)
	}
	if err != nil {
		return nil, fmt.Errorf("architecture: %w", err)
	}
	b.smallest = g
	return b, nil
}

// Inheriting is the space for samplers whose candidates begin with the weights of
// their main parent, if they have one ([Origin.Inherits], [Inherit]).
func (s *Space) Inheriting() *Space {
	b := *s
	b.inherits = true
	return &b
}

// Smallest is a network that keeps within the limits with the widest margin
// that was found; of an unbound space, the first derivation.
func (s *Space) Smallest() Genome {
	if s.in == nil {
		return Genome{s.root.first()}
	}
	return s.smallest
}

// Build decodes a genome for the data of a bound space: the network, output
// layer included, and its cost. The error tells a genome that does not derive
// from the grammar, a network that does not fit the data, or one over the
// limits ([ErrLimit]).
func (s *Space) Build(g Genome) (engine.Seq, engine.Cost, error) {
	if err := s.Check(g); err != nil {
		return nil, engine.Cost{}, err
	}
	return s.build(g)
}

func (s *Space) build(g Genome) (engine.Seq, engine.Cost, error) {
	net, n, err := s.measured(g)
	return net, n.cost, err
}

// measured is a network with all that the limits ask for.
func (s *Space) measured(g Genome) (engine.Seq, needs, error) {
	net, err := g.Network(s.in, s.outputs)
	if err != nil {
		return nil, needs{}, err
	}
	n, err := s.limits.measure(net, s.in)
	if err == nil {
		err = s.limits.check(n.times(s.folds))
	}
	return net, n, err
}

// fits reports whether a genome of the grammar may be tried.
func (s *Space) fits(g Genome) bool {
	if s.in == nil {
		return true
	}
	net, err := g.network(s.in, s.outputs)
	if err != nil || s.limits == (Limits{}) {
		return err == nil
	}
	n, err := s.limits.measure(net, s.in)
	return err == nil && s.limits.allow(n.times(s.folds))
}

// Check reports whether a genome derives from the grammar.
func (s *Space) Check(g Genome) error {
	if err := s.root.check(&g.root); err != nil {
		return fmt.Errorf("genome %v is none of this space: %w", g.brief(), err)
	}
	return nil
}

func (p *production) check(n *node) error {
	if p.kind != n.kind {
		return errors.New("its tree has another form")
	}
	switch p.kind {
	case opKind:
		return p.checkOp(n)
	case oneOfKind:
		if n.pick >= len(p.kids) || len(n.kids) != 1 {
			return fmt.Errorf("there is no alternative %d of %d", n.pick, len(p.kids))
		}
	case repeatKind, cellKind:
		if len(n.kids) < p.min || len(n.kids) > p.max {
			return fmt.Errorf("%d repetitions or edges are outside [%d, %d]", len(n.kids), p.min, p.max)
		}
	default:
		if len(n.kids) != len(p.kids) {
			return fmt.Errorf("%d parts instead of %d", len(n.kids), len(p.kids))
		}
	}
	for i := range n.kids {
		if err := p.kid(n, i).check(&n.kids[i]); err != nil {
			return err
		}
	}
	return nil
}

func (p *production) checkOp(n *node) error {
	if p.op != n.op {
		return fmt.Errorf("%s stands for %s", n.op.name, p.op.name)
	}
	for i, a := range p.op.attrs {
		if d := p.dims[i]; d != nil {
			if _, err := d.Check(n.vals[i]); err != nil {
				return fmt.Errorf("%s: %w", p.op.name, err)
			}
		} else if n.vals[i] != a.def {
			return fmt.Errorf("%s: %s is %g, not %g", p.op.name, a.name, n.vals[i], a.def)
		}
	}
	return nil
}
