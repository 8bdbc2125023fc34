package nas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"budwood/search"
)

// Spec is the architecture block of a study file: a ready-made family with its
// sizes, or a grammar in full.
//
//	architecture: {family: mlp, depth: [1, 4], width: [16, 256], ops: [relu, gelu], limits: {params: 200000}}
//
//	architecture:
//	  family: cnn
//	  stages: [1, 3]
//	  channels: [8, 64]
//	  kernels: [3, 5]
//	  ops: [conv, depthwise, residual]
//
//	architecture:
//	  grammar: [{repeat: [1, 3], of: {ref: layer}}]
//	  define: {layer: [{op: dense, out: {int: [16, 128], log: true}}, {oneof: [relu, tanh]}]}
//
// Ranges are [lo, hi], or [n] for one value. The zero fields of a family have
// the defaults that [Spec.WithDefaults] fills in.
type Spec struct {
	Family   string         `json:"family,omitempty" yaml:"family,omitempty"`          // for rows: mlp, resnet or tabular (either); for images: cnn, or cell (as NAS-Bench-201); sequence; text
	Stages   []int          `json:"stages,omitempty" yaml:"stages,omitempty,flow"`     // cnn: runs of blocks, each with a pool at its end
	Depth    []int          `json:"depth,omitempty" yaml:"depth,omitempty,flow"`       // mlp: hidden layers; cnn: blocks in a stage
	Width    []int          `json:"width,omitempty" yaml:"width,omitempty,flow"`       // mlp: units of a layer; sequence: features of a step; cnn: units of an optional dense layer after the last stage, which is left out by default
	Channels []int          `json:"channels,omitempty" yaml:"channels,omitempty,flow"` // cnn: channels of a block
	Kernels  []int          `json:"kernels,omitempty" yaml:"kernels,omitempty,flow"`   // cnn: kernels to choose from
	Heads    []int          `json:"heads,omitempty" yaml:"heads,omitempty,flow"`       // sequence: numbers of attention heads to choose from
	Vocab    int            `json:"vocab,omitempty" yaml:"vocab,omitempty"`            // sequence: the data is tokens, whole numbers below this; text: its characters, read off the data
	Ops      []string       `json:"ops,omitempty" yaml:"ops,omitempty,flow"`           // blocks, pools and activations to choose from; of what is not named, the default
	Norm     []string       `json:"norm,omitempty" yaml:"norm,omitempty,flow"`         // normalisations to choose from: none, batch
	Dropout  []float64      `json:"dropout,omitempty" yaml:"dropout,omitempty,flow"`   // rates
	Folds    int            `json:"folds,omitempty" yaml:"-"`                          // so many networks are a candidate, one for each fold of a cross-validation: the limits are for all of them together; 0 means 1
	Limits   Limits         `json:"limits,omitzero" yaml:"limits,omitempty"`
	Grammar  any            `json:"grammar,omitempty" yaml:"grammar,omitempty"` // a rule, instead of a family
	Define   map[string]any `json:"define,omitempty" yaml:"define,omitempty"`   // named rules that the grammar refers to
}

// WithDefaults is the block with every default written out.
func (s Spec) WithDefaults() Spec {
	f := familyNamed(s.Family)
	if f == nil {
		return s
	}
	or(&s.Stages, f.defaults.Stages)
	or(&s.Depth, f.defaults.Depth)
	or(&s.Width, f.defaults.Width)
	or(&s.Channels, f.defaults.Channels)
	or(&s.Kernels, f.defaults.Kernels)
	or(&s.Heads, f.defaults.Heads)
	or(&s.Norm, f.defaults.Norm)
	or(&s.Dropout, f.defaults.Dropout)
	for _, group := range f.ops {
		if !slices.ContainsFunc(s.Ops, func(op string) bool { return slices.Contains(group, op) }) {
			s.Ops = append(slices.Clip(s.Ops), group[0])
		}
	}
	return s
}

func or[T any](field *[]T, def []T) {
	if len(*field) == 0 {
		*field = def
	}
}

// Space builds the space that the block describes; [Space.For] binds it to the
// data. The error is a [*GrammarError] with the key that is wrong.
func (s Spec) Space() (*Space, error) {
	g, err := s.grammar()
	if err != nil {
		return nil, err
	}
	space, err := New(g, s.Limits)
	if err == nil {
		space.folds = max(s.Folds, 1)
	}
	return space, err
}

// grammar is the grammar of the block, or that of its family.
func (s Spec) grammar() (Grammar, error) {
	if s.Grammar == nil && s.Family == "" {
		return Grammar{}, wrong("family", "is missing: write one of %s, or give a grammar", strings.Join(Families(), ", "))
	}
	if s.Grammar != nil {
		for _, k := range append(s.keys(), specKey{"family", s.Family != ""}, specKey{"ops", s.Ops != nil}) {
			if k.set {
				return Grammar{}, wrong(k.name, "does not belong beside a grammar: leave one of them out")
			}
		}
		return readGrammar(s.Grammar, s.Define)
	}
	f := familyNamed(s.Family)
	if f == nil {
		return Grammar{}, wrong("family", "%q is unknown: write one of %s, or give a grammar", s.Family, strings.Join(Families(), ", "))
	}
	if s.Define != nil {
		return Grammar{}, wrong("define", "belongs to a grammar, not to a family")
	}
	if err := s.validate(f); err != nil {
		return Grammar{}, err
	}
	return Grammar{Root: f.root(s.WithDefaults())}, nil
}

type specKey struct {
	name string
	set  bool
}

// keys are the keys that depend on the family.
func (s Spec) keys() []specKey {
	return []specKey{
		{"stages", s.Stages != nil}, {"depth", s.Depth != nil}, {"width", s.Width != nil}, {"channels", s.Channels != nil},
		{"kernels", s.Kernels != nil}, {"heads", s.Heads != nil}, {"vocab", s.Vocab != 0}, {"norm", s.Norm != nil}, {"dropout", s.Dropout != nil},
	}
}

func (s Spec) validate(f *family) error {
	for _, k := range s.keys() {
		if k.set && !slices.Contains(f.keys, k.name) {
			return wrong(k.name, "does not belong to family %s, which has %s, ops and limits", f.name, strings.Join(f.keys, ", "))
		}
	}
	for _, r := range []struct {
		name   string
		bounds []int
		lo, hi int
	}{
		{"stages", s.Stages, 1, 16}, {"depth", s.Depth, f.leastDepth, 100}, {"width", s.Width, 1, maxSize}, {"channels", s.Channels, 1, maxSize},
	} {
		if err := checkRange(r.name, r.bounds, r.lo, r.hi); err != nil {
			return err
		}
	}
	if err := checkRange("dropout", s.Dropout, 0, 0.95); err != nil {
		return err
	}
	if err := checkList("kernels", s.Kernels, []int{1, 3, 5, 7, 9, 11}); err != nil {
		return err
	}
	if err := checkList("heads", s.Heads, []int{1, 2, 3, 4, 6, 8, 12, 16}); err != nil {
		return err
	}
	if s.Vocab < 0 || s.Vocab > maxSize {
		return wrong("vocab", "%d is outside [1, %d]", s.Vocab, maxSize)
	}
	if err := checkList("norm", s.Norm, []string{"none", "batch"}); err != nil {
		return err
	}
	return checkList("ops", s.Ops, append(slices.Concat(f.ops...), f.more...))
}

func checkRange[T int | float64](name string, bounds []T, lo, hi T) error {
	switch n := len(bounds); {
	case bounds == nil:
		return nil
	case n == 0:
		return wrong(name, "is empty: write [lo, hi], or leave the key out")
	case n > 2:
		return wrong(name, "%s is not a range: write [lo, hi]", search.FormatExact(bounds))
	case bounds[0] > bounds[n-1]:
		return wrong(name, "%v is an empty range: write the smaller bound first", bounds)
	}
	for _, b := range bounds {
		if !(b >= lo && b <= hi) {
			return wrong(name, "%s is outside [%s, %s]", search.FormatExact(b), search.FormatExact(lo), search.FormatExact(hi))
		}
	}
	return nil
}

func checkList[T comparable](name string, list, allowed []T) error {
	if list != nil && len(list) == 0 {
		return wrong(name, "is empty: choose from %v, or leave the key out", allowed)
	}
	for i, x := range list {
		if !slices.Contains(allowed, x) {
			return wrong(fmt.Sprintf("%s[%d]", name, i), "%s is unknown: choose from %v", search.Brief(fmt.Sprint(x), 60), allowed)
		}
		if slices.Index(list, x) != i {
			return wrong(fmt.Sprintf("%s[%d]", name, i), "%v stands twice", x)
		}
	}
	return nil
}

// Spec is the block that study files need for the grammar.
func (g Grammar) Spec(l Limits) (Spec, error) {
	s := Spec{Limits: l}
	b, err := json.Marshal(g)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	return s, err
}
