package search

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Repair finds a point that satisfies the constraints: p itself if it does, else
// one reached from there by moves that miss them by less and less, or from
// points of the prior. It gives up after some thousands of evaluations: ok is
// false then.
func (c Constraints) Repair(s Space, p Params, r *rand.Rand) (q Params, ok bool) {
	const starts, moves = 12, 200
	if c.Hold(p) {
		return p, true
	}
	for start := range starts {
		if start > 0 {
			p = s.Sample(r)
		}
		miss := c.Violation(p)
		for i := 0; i < moves && miss > 0; i++ {
			q, v := c.move(s, p, miss, r)
			if v <= miss {
				p, miss = q, v
			}
		}
		if miss == 0 {
			return p, true
		}
	}
	return nil, false
}

// move changes one parameter: along the slope of the violation, as far as it
// takes to reach 0 if it is straight, or at random.
func (c Constraints) move(s Space, p Params, miss float64, r *rand.Rand) (Params, float64) {
	active := s.Active(p)
	if len(active) == 0 {
		return p, miss
	}
	d := active[r.IntN(len(active))]
	u, err := d.Encode(p[d.Name])
	if err != nil {
		u = r.Float64()
	}
	to := func(u float64) (Params, float64) {
		moved := d.Decode(u)
		q := s.Fill(func(e *Dim) any {
			if e == d {
				return moved
			}
			if v, ok := p[e.Name]; ok {
				return v
			}
			return e.Decode(r.Float64()) // exists only now
		})
		return q, c.Violation(q)
	}
	if d.Kind == KindChoice || r.IntN(3) == 0 {
		return to(r.Float64())
	}
	h := 1e-8
	if n := d.Size(); n > 0 {
		h = 1 / float64(n)
	}
	if r.IntN(2) == 0 && u > h || u+h > 1 {
		h = -h
	}
	q, v := to(u + h)
	switch {
	case v == 0:
		return q, v
	case v == miss: // flat here
		return to(r.Float64())
	}
	u0, u := u, u+miss*h/(miss-v)
	if r.IntN(3) > 0 { // beyond the border, by a step of any size
		u += (u - u0) * math.Pow(10, -6*r.Float64())
	}
	if u < 0 || u > 1 { // as far as possible, or not quite
		u = min(max(u, 0), 1)
		if r.IntN(2) == 0 {
			u = u0 + (u-u0)*r.Float64()
		}
	}
	return to(u)
}

// Satisfiable is an error if no point of the space satisfies the constraints: of
// a space of up to 100,000 points every one is tried, of others as many as
// [Constraints.Repair] does. The error is a [*ConstraintError] if one of the
// conditions alone rules everything out.
func (c Constraints) Satisfiable(s Space) error {
	if c.None() {
		return nil
	}
	some, sure := c.some(s)
	if some {
		return nil
	}
	why := fmt.Errorf("no point of the space satisfies it")
	if !sure {
		why = fmt.Errorf("no point of the space was found that satisfies it")
	}
	if len(c.conditions) > 1 {
		for i, d := range c.conditions {
			if some, _ := (Constraints{c.conditions[i : i+1]}).some(s); !some {
				return &ConstraintError{Index: i, Text: d.text, Err: why}
			}
		}
		if sure {
			return fmt.Errorf("no point of the space satisfies all %d constraints", len(c.conditions))
		}
		return fmt.Errorf("no point of the space was found that satisfies all %d constraints", len(c.conditions))
	}
	return &ConstraintError{Text: c.conditions[0].text, Err: why}
}

// some reports whether a point satisfies the constraints, and whether the answer
// is sure.
func (c Constraints) some(s Space) (found, sure bool) {
	if n := s.Size(); n > 0 && n <= 100_000 {
		for i := range n {
			if c.Hold(s.Nth(i)) {
				return true, true
			}
		}
		return false, true
	}
	r := Rand(0, 0)
	for range 8 {
		if _, ok := c.Repair(s, s.Sample(r), r); ok {
			return true, true
		}
	}
	return false, false
}
