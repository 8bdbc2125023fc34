package search

import (
	"encoding/json"
	"fmt"
)

// ParamSpec is a parameter as study files and JSON write it; exactly one of
// Float, Int, Choice and Ordinal is given:
//
//	{name: lr, float: [0.0001, 0.1], log: true}
//	{name: layers, int: [1, 4]}
//	{name: act, choice: [relu, tanh]}
//	{name: opt, choice: [adam, {value: sgd, space: [{name: momentum, float: [0, 0.99]}]}]}
type ParamSpec struct {
	Name    string       `json:"name" yaml:"name"`
	Float   []float64    `json:"float,omitempty" yaml:"float,omitempty"`
	Int     []int        `json:"int,omitempty" yaml:"int,omitempty"`
	Choice  []OptionSpec `json:"choice,omitempty" yaml:"choice,omitempty"`
	Ordinal []OptionSpec `json:"ordinal,omitempty" yaml:"ordinal,omitempty"`
	Log     bool         `json:"log,omitempty" yaml:"log,omitempty"`
	Step    float64      `json:"step,omitempty" yaml:"step,omitempty"`
	Default any          `json:"default,omitempty" yaml:"default,omitempty"` // of trials made before the parameter was added
}

// OptionSpec is one value of a choice: a scalar, or {value: …, space: […]}.
type OptionSpec struct {
	Value any         `json:"value" yaml:"value"`
	Space []ParamSpec `json:"space,omitempty" yaml:"space,omitempty"`
}

// MarshalJSON writes an option without branches as its bare value.
func (o OptionSpec) MarshalJSON() ([]byte, error) {
	if o.Space == nil {
		return json.Marshal(o.Value)
	}
	type plain OptionSpec
	return json.Marshal(plain(o))
}

// UnmarshalJSON reads a scalar or an object with value and space.
func (o *OptionSpec) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		type plain OptionSpec
		return json.Unmarshal(b, (*plain)(o))
	}
	return json.Unmarshal(b, &o.Value)
}

// FromSpecs builds and validates a space. The error is a [*SpaceError].
func FromSpecs(specs []ParamSpec) (Space, error) {
	s := make(Space, 0, len(specs))
	for i, p := range specs {
		d, err := p.dim()
		if err != nil {
			return nil, &SpaceError{i, err}
		}
		s = append(s, d)
	}
	return s, s.Validate()
}

func (p ParamSpec) dim() (*Dim, error) {
	if p.Name == "" {
		return nil, fmt.Errorf("a parameter has no name")
	}
	d := &Dim{Name: p.Name, Log: p.Log, Step: p.Step}
	given := 0
	if p.Float != nil {
		given++
		d.Kind = KindFloat
		if len(p.Float) != 2 {
			return nil, fmt.Errorf("%s: float needs two bounds, [lo, hi]", p.Name)
		}
		d.Lo, d.Hi = p.Float[0], p.Float[1]
	}
	if p.Int != nil {
		given++
		d.Kind = KindInt
		if len(p.Int) != 2 {
			return nil, fmt.Errorf("%s: int needs two bounds, [lo, hi]", p.Name)
		}
		d.Lo, d.Hi = float64(p.Int[0]), float64(p.Int[1])
	}
	options := p.Choice
	if p.Choice != nil || p.Ordinal != nil {
		given++
		d.Kind = KindChoice
		if p.Choice != nil && p.Ordinal != nil {
			given++
		}
		if p.Ordinal != nil {
			options, d.Ordered = p.Ordinal, true
		}
		if p.Log || p.Step != 0 {
			return nil, fmt.Errorf("%s: log and step belong to float and int", p.Name)
		}
	}
	if given != 1 {
		return nil, fmt.Errorf("%s: give exactly one of float, int, choice, ordinal", p.Name)
	}
	for _, o := range options {
		below, err := FromSpecs(o.Space)
		if err != nil {
			return nil, fmt.Errorf("%s = %v: %w", p.Name, o.Value, err)
		}
		if len(below) == 0 {
			below = nil
		}
		v := o.Value
		if x, ok := Number(v); ok {
			v = x
			if x == float64(int(x)) {
				v = int(x) // JSON and YAML do not tell 3 from 3.0
			}
		}
		d.Options = append(d.Options, Option{v, below})
	}
	if p.Default != nil {
		d.Default = p.Default // which may not belong to it: see validate
		if v, err := d.Check(p.Default); err == nil {
			d.Default = v
		}
	}
	return d, nil
}

// Specs is the space as study files write it.
func (s Space) Specs() []ParamSpec {
	out := make([]ParamSpec, 0, len(s))
	for _, q := range s {
		d := q.Dim()
		p := ParamSpec{Name: d.Name, Log: d.Log, Step: d.Step, Default: d.Default}
		switch d.Kind {
		case KindFloat:
			p.Float = []float64{d.Lo, d.Hi}
		case KindInt:
			p.Int = []int{int(d.Lo), int(d.Hi)}
		case KindChoice:
			options := make([]OptionSpec, len(d.Options))
			for i, o := range d.Options {
				options[i].Value = o.Value
				if len(o.Space) > 0 {
					options[i].Space = o.Space.Specs()
				}
			}
			if d.Ordered {
				p.Ordinal = options
			} else {
				p.Choice = options
			}
		}
		out = append(out, p)
	}
	return out
}

// MarshalJSON writes the space as study files do.
func (s Space) MarshalJSON() ([]byte, error) { return json.Marshal(s.Specs()) }

// UnmarshalJSON reads and validates a space.
func (s *Space) UnmarshalJSON(b []byte) error {
	var specs []ParamSpec
	if err := json.Unmarshal(b, &specs); err != nil {
		return err
	}
	out, err := FromSpecs(specs)
	if err != nil {
		return err
	}
	*s = out
	return nil
}
