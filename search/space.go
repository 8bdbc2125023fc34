package search

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Space is what a study searches: an ordered list of parameters. Parameters
// below an option of a choice exist only where that option is chosen; branches
// nest. A name belongs to one parameter, but exclusive branches of one choice
// may share it if its definition is the same.
type Space []Param

// ErrExhausted is returned when every point of a finite space was tried.
var ErrExhausted = errors.New("every point of the space was tried")

// SpaceError says which parameter of a space is wrong.
type SpaceError struct {
	Index int // position at the top level of the space
	Err   error
}

// Error is the message, in one line.
func (e *SpaceError) Error() string { return e.Err.Error() }

// Unwrap is what went wrong there.
func (e *SpaceError) Unwrap() error { return e.Err }

// Validate checks every definition. The error is a [*SpaceError].
func (s Space) Validate() error {
	seen := map[string]*Dim{}
	for i, p := range s {
		if err := validate(p, seen); err != nil {
			return &SpaceError{i, err}
		}
	}
	return nil
}

func validate(p Param, seen map[string]*Dim) error {
	if p == nil || p.Dim() == nil {
		return fmt.Errorf("a parameter is nil")
	}
	d := p.Dim()
	if err := d.validate(); err != nil {
		return err
	}
	if seen[d.Name] != nil {
		return fmt.Errorf("%s: the name stands twice", d.Name)
	}
	seen[d.Name] = d
	below := map[string]*Dim{} // of all options
	for _, o := range d.Options {
		branch := maps.Clone(seen)
		for _, q := range o.Space {
			if err := validate(q, branch); err != nil {
				return fmt.Errorf("%s = %v: %w", d.Name, o.Value, err)
			}
		}
		for _, k := range slices.Sorted(maps.Keys(branch)) { // sorted: the same error each time
			v := branch[k]
			if seen[k] != nil {
				continue
			}
			if below[k] != nil && !below[k].equal(v) {
				return fmt.Errorf("%s = %v: %s is defined differently in another branch", d.Name, o.Value, k)
			}
			below[k] = v
		}
	}
	maps.Copy(seen, below)
	return nil
}

// Dims lists every parameter of every branch once, in the order of the space.
func (s Space) Dims() []*Dim {
	var out []*Dim
	seen := map[string]bool{}
	var walk func(Space)
	walk = func(s Space) {
		for _, p := range s {
			d := p.Dim()
			if !seen[d.Name] {
				seen[d.Name] = true
				out = append(out, d)
			}
			for _, o := range d.Options {
				walk(o.Space)
			}
		}
	}
	walk(s)
	return out
}

// Active lists the parameters that exist at a point, in the order of the space.
func (s Space) Active(at Point) []*Dim {
	var out []*Dim
	s.Fill(func(d *Dim) any {
		out = append(out, d)
		return at.Value(d.Name)
	})
	return out
}

// Fill builds a point: it asks for the value of each parameter that exists,
// given the values returned before, in the order of the space.
func (s Space) Fill(value func(*Dim) any) Params {
	p := Params{}
	s.fill(p, value)
	return p
}

func (s Space) fill(p Params, value func(*Dim) any) {
	for _, q := range s {
		d := q.Dim()
		v := value(d)
		p[d.Name] = v
		if d.Kind == KindChoice {
			if i := d.Index(v); i >= 0 {
				d.Options[i].Space.fill(p, value)
			}
		}
	}
}

// Sample draws one point from the prior.
func (s Space) Sample(r *rand.Rand) Params {
	return s.Fill(func(d *Dim) any { return d.Decode(r.Float64()) })
}

// Check returns p with every value in its dimension's own type. It is an error
// if a parameter that exists has no valid value, or if p names one that does
// not exist. Keys in also are passed through unchecked.
func (s Space) Check(p Params, also ...string) (Params, error) {
	var first error
	out := s.Fill(func(d *Dim) any {
		v, ok := p[d.Name]
		if !ok {
			if first == nil {
				first = fmt.Errorf("%s: no value", d.Name)
			}
			return nil
		}
		v, err := d.Check(v)
		if err != nil && first == nil {
			first = err
		}
		return v
	})
	if first != nil {
		return nil, first
	}
	for _, k := range also {
		if v, ok := p[k]; ok {
			out[k] = v
		}
	}
	for _, k := range p.Names() {
		if _, ok := out[k]; !ok {
			return nil, s.noParam(k)
		}
	}
	return out, nil
}

// noParam is the error of a parameter that does not exist at a point.
func (s Space) noParam(name string) error {
	var names []string
	for _, d := range s.Dims() {
		if d.Name == name {
			return fmt.Errorf("%s: no such parameter in this branch of the space", name)
		}
		names = append(names, d.Name)
	}
	return fmt.Errorf("%s: no such parameter%s", name, meant(name, names))
}

// Nth is point number i of a finite space, 0 ≤ i < [Space.Size].
func (s Space) Nth(i int) Params {
	p := Params{}
	s.nth(i, p)
	return p
}

func (s Space) nth(i int, p Params) {
	for _, q := range s {
		d := q.Dim()
		n := Space{q}.Size()
		k := i % n
		i /= n
		if d.Kind != KindChoice {
			p[d.Name] = d.nth(k)
			continue
		}
		for _, o := range d.Options {
			if m := o.Space.Size(); k >= m {
				k -= m
				continue
			}
			p[d.Name] = o.Value
			o.Space.nth(k, p)
			break
		}
	}
}

// Size is the number of distinct points, or 0 if there are infinitely many (or
// more than 2⁵³).
func (s Space) Size() int {
	n := 1
	for _, p := range s {
		d := p.Dim()
		m := d.Size()
		if d.Kind == KindChoice {
			m = 0
			for _, o := range d.Options {
				k := o.Space.Size()
				if k == 0 {
					return 0
				}
				m += k
			}
		}
		if m == 0 || n > (1<<53)/m {
			return 0
		}
		n *= m
	}
	return n
}
