package nas

import (
	"math/rand/v2"

	"budwood/search"
)

// kept is p as a point of the space. What is missing there, or not allowed, is
// drawn from the prior.
func kept(r *rand.Rand, s search.Space, p search.Params) search.Params {
	return s.Fill(func(d *search.Dim) any {
		if v, err := d.Check(p.Value(d.Name)); err == nil {
			return v
		}
		return d.Decode(r.Float64())
	})
}

// nearby is a point one step from p: one parameter has another value close by,
// and what exists only now is drawn from the prior.
func nearby(r *rand.Rand, s search.Space, p search.Params) search.Params {
	p = kept(r, s, p)
	var open []*search.Dim
	for _, d := range s.Active(p) {
		if d.Size() != 1 {
			open = append(open, d)
		}
	}
	if len(open) == 0 {
		return p
	}
	moved := open[r.IntN(len(open))]
	return s.Fill(func(d *search.Dim) any {
		v, ok := p[d.Name]
		switch {
		case !ok:
			return d.Decode(r.Float64())
		case d.Name == moved.Name:
			return near(r, d, v)
		}
		return v
	})
}
