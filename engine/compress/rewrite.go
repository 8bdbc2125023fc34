package compress

import (
	"reflect"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
)

// rewrite replaces layers within sequences. It is asked at each layer with those from
// there on, their tensors and the shape of the input; it says how many of them it
// replaces, and by what. The shapes behind them must stay.
type rewrite func(s engine.Seq, tensors []map[string][]float32, in data.Shape) (taken int, by []built)

// rewritten is a network of its own with some layers replaced.
func rewritten(n *engine.Net, f rewrite) (*engine.Net, error) {
	b, err := f.of(n)
	if err != nil {
		return nil, err
	}
	return b.compile(n)
}

// of is what a network becomes.
func (f rewrite) of(n *engine.Net) (built, error) {
	if err := alive(n); err != nil {
		return built{}, err
	}
	return f.layer(n.Layer(), tensorsOf(n), n.In())
}

// layer rewrites what is in a layer with these tensors.
func (f rewrite) layer(l engine.Layer, tensors map[string][]float32, in data.Shape) (built, error) {
	b := built{layer: l, tensors: tensors}
	part := func(s engine.Seq, name string, in data.Shape) (engine.Seq, error) {
		p, err := f.seq(s, within(tensors, name), in)
		if err != nil {
			return nil, err
		}
		for own := range within(tensors, name) {
			if first, _, _ := strings.Cut(own, "."); first == "projection" || first == "lateral" || first == "output" {
				continue
			}
			delete(b.tensors, inside(name, own))
		}
		b.put(name, p)
		return p.layer.(engine.Seq), nil
	}
	switch l := l.(type) {
	case engine.Seq:
		return f.seq(l, tensors, in)
	case engine.Dense, engine.Conv, engine.Conv1D:
		s := engine.Seq{l}
		if taken, by := f(s, []map[string][]float32{tensors}, in); taken > 0 {
			return f.chain(by), nil
		}
	case engine.Residual:
		s, err := part(l.Body, "body", in)
		b.layer = engine.Residual{Body: s}
		return b, err
	case engine.Par:
		now := engine.Par{Concat: l.Concat}
		for i, s := range l.Branches {
			s, err := part(s, strconv.Itoa(i), in)
			if err != nil {
				return b, err
			}
			now.Branches = append(now.Branches, s)
		}
		b.layer = now
	case engine.Cell:
		shapes, err := l.Shapes(in)
		if err != nil {
			return b, err
		}
		now := engine.Cell{Nodes: l.Nodes}
		for i, e := range l.Edges {
			if e.Body, err = part(e.Body, strconv.Itoa(i), shapes[e.From]); err != nil {
				return b, err
			}
			now.Edges = append(now.Edges, e)
		}
		b.layer = now
	case engine.FPN:
		now := engine.FPN{Out: l.Out, Pool: l.Pool}
		for i, s := range l.Stages {
			out, err := s.Infer(in)
			if err != nil {
				return b, err
			}
			if s, err = part(s, strconv.Itoa(i), in); err != nil {
				return b, err
			}
			now.Stages, in = append(now.Stages, s), out
		}
		b.layer = now
	case engine.Transformer:
		s := l.Layers(channels(in))
		p, err := f.seq(s, tensors, in)
		if err != nil || reflect.DeepEqual(p.layer, engine.Layer(s)) {
			p.layer = l
		}
		return p, err
	}
	return b, nil
}

// seq rewrites the layers of a sequence.
func (f rewrite) seq(s engine.Seq, tensors map[string][]float32, in data.Shape) (built, error) {
	own := make([]map[string][]float32, len(s))
	for i := range s {
		own[i] = within(tensors, strconv.Itoa(i))
	}
	var parts []built
	for i := 0; i < len(s); {
		taken, by := f(s[i:], own[i:], in)
		if taken == 0 {
			b, err := f.layer(s[i], own[i], in)
			if err != nil {
				return b, err
			}
			taken, by = 1, []built{b}
		}
		parts = append(parts, by...)
		for _, l := range s[i : i+taken] {
			var err error
			if in, err = l.Infer(in); err != nil {
				return built{}, err
			}
		}
		i += taken
	}
	b := f.chain(parts)
	if len(s) == 0 {
		b.layer = s
	}
	return b, nil
}

// chain is layers one behind the other.
func (f rewrite) chain(parts []built) (b built) {
	out := make(engine.Seq, len(parts))
	for i, p := range parts {
		out[i] = p.layer
		b.put(strconv.Itoa(i), p)
	}
	b.layer = out
	return b
}
