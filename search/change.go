package search

import (
	"errors"
	"fmt"
)

// Change is one difference between two versions of a space.
type Change struct {
	Param string
	What  string // in words: "the range [0, 1] became [0, 2]"

	// Err says why trials of the old version cannot go on in the new one; nil
	// if they can.
	Err error
}

// String is the parameter with what changed.
func (c Change) String() string { return c.Param + ": " + c.What }

// Changes lists what is different in another version of the space, in its order.
// A range may become wider or narrower, a choice may gain or lose options and
// become an ordinal, and a parameter may be added if it has a default, which is
// what the trials before had: what they showed stays useful, as far as it lies
// in the new space. A parameter cannot disappear (its range may shrink to one
// value) or become of another kind.
func (s Space) Changes(to Space) []Change {
	var out []Change
	now := map[string]*Dim{}
	for _, d := range to.Dims() {
		now[d.Name] = d
	}
	before := map[string]*Dim{}
	for _, d := range s.Dims() {
		before[d.Name] = d
		e := now[d.Name]
		if e == nil {
			out = append(out, Change{d.Name, "the parameter is gone", errors.New(
				"trials before had it: give it a range of one value instead")})
		}
	}
	parents := to.parents()
	was := s.parents()
	for _, d := range to.Dims() {
		old := before[d.Name]
		if old == nil {
			c := Change{Param: d.Name, What: "the parameter is new"}
			if d.Default == nil && !to.newBranch(d.Name, before) {
				c.Err = errors.New("trials before did not have it: give it the default that was meant")
			}
			out = append(out, c)
			continue
		}
		if a, b := was[d.Name], parents[d.Name]; a != b {
			out = append(out, Change{d.Name, fmt.Sprintf("it belonged to %s and now to %s", orTop(a), orTop(b)),
				errors.New("a parameter stays in its branch: give the new one another name")})
		}
		out = append(out, old.changes(d)...)
	}
	return out
}

// Compatible is an error if trials of this version of the space cannot go on in
// another one.
func (s Space) Compatible(to Space) error {
	for _, c := range s.Changes(to) {
		if c.Err != nil {
			return fmt.Errorf("%v; %w", c, c.Err)
		}
	}
	return nil
}

// Adopt is a point of an earlier version as one of this space: with the defaults
// of what was added. Values of parameters that are gone are dropped; ok is false
// if a value is outside, or if one is missing that has no default.
func (s Space) Adopt(p Params) (q Params, ok bool) {
	ok = true
	q = s.Fill(func(d *Dim) any {
		v := d.in(p)
		if v == nil {
			ok = false
			return nil
		}
		v, err := d.Check(v)
		ok = ok && err == nil
		return v
	})
	if v := p[ArchitectureKey]; v != nil {
		q[ArchitectureKey] = v
	}
	return q, ok
}

// changes lists how a definition changed.
func (d *Dim) changes(e *Dim) []Change {
	var out []Change
	add := func(err error, format string, args ...any) {
		out = append(out, Change{d.Name, fmt.Sprintf(format, args...), err})
	}
	if (d.Kind == KindChoice) != (e.Kind == KindChoice) {
		add(errors.New("give the new parameter another name"), "a %s became a %s", d.Kind, e.Kind)
		return out
	}
	if d.Kind != e.Kind {
		add(nil, "a %s became a %s", d.Kind, e.Kind)
	}
	if d.Lo != e.Lo || d.Hi != e.Hi {
		add(nil, "the range [%s, %s] became [%s, %s]", FormatExact(d.Lo), FormatExact(d.Hi), FormatExact(e.Lo), FormatExact(e.Hi))
	}
	if d.Log != e.Log {
		add(nil, "it is spread evenly over the %s now", map[bool]string{true: "logarithm", false: "values"}[e.Log])
	}
	if d.Step != e.Step {
		add(nil, "the step %v became %v", d.Step, e.Step)
	}
	if d.Ordered != e.Ordered {
		add(nil, "its values have %s order now", map[bool]string{true: "an", false: "no"}[e.Ordered])
	}
	for _, o := range d.Options {
		if e.Index(o.Value) < 0 {
			add(nil, "the option %v is gone", o.Value)
		}
	}
	for _, o := range e.Options {
		if d.Index(o.Value) < 0 {
			add(nil, "the option %v is new", o.Value)
		}
	}
	return out
}

// parents says of which choice's branches each parameter is.
func (s Space) parents() map[string]string {
	out := map[string]string{}
	var walk func(Space, string)
	walk = func(s Space, in string) {
		for _, p := range s {
			d := p.Dim()
			if in != "" {
				out[d.Name] = in
			}
			for _, o := range d.Options {
				walk(o.Space, d.Name)
			}
		}
	}
	walk(s, "")
	return out
}

func orTop(parent string) string {
	if parent == "" {
		return "the top"
	}
	return "a branch of " + parent
}

// newBranch reports whether a parameter stands only below options that are new,
// so that no earlier trial can have had it.
func (s Space) newBranch(name string, before map[string]*Dim) bool {
	fresh := true
	var walk func(s Space, isNew bool)
	walk = func(s Space, isNew bool) {
		for _, p := range s {
			d := p.Dim()
			if d.Name == name {
				fresh = fresh && isNew
			}
			for _, o := range d.Options {
				old := before[d.Name]
				walk(o.Space, isNew || old == nil && !sameScalar(o.Value, d.Default) || old != nil && old.Index(o.Value) < 0)
			}
		}
	}
	walk(s, false)
	return fresh
}
