package hpo

import (
	"math/rand/v2"
	"slices"

	"budwood/search"
)

// untried proposes req.N points that satisfy the constraints and are neither in
// the past nor proposed before in the same request. Point i is drawn after the
// points out, with the trial's own rng, and again for as long as it is of no
// use; what breaks a constraint time and again is repaired.
func untried(req search.Request, draw func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params) ([]search.Params, error) {
	return untriedBy(req, inPast(req), draw)
}

// repeated reports whether a point repeats one of the past or of those proposed.
type repeated func(proposed []search.Params, p search.Params) bool

// inPast looks through the whole past.
func inPast(req search.Request) repeated {
	return func(out []search.Params, p search.Params) bool { return repeats(req, out, p) }
}

// untriedBy is untried with another way to tell whether a point repeats one of
// the past or of those proposed.
func untriedBy(req search.Request, repeats repeated,
	draw func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params) ([]search.Params, error) {
	var out []search.Params
	for i := range req.N {
		rng := req.Rand(i)
		p := draw(i, out, rng, false)
		for try := 0; !req.Constraints.Hold(p) || repeats(out, p); try++ {
			// Where no point may satisfy them, each repair takes as long as many draws.
			if try >= 16 && try%16 == 0 && !req.Constraints.Hold(p) {
				if q, ok := req.Constraints.Repair(req.Space, p, rng); ok && !repeats(out, q) {
					p = q
					break
				}
			}
			if try == 64 {
				var ok bool
				if p, ok = leftOver(req, out, rng); !ok {
					if len(out) == 0 {
						return nil, search.ErrExhausted
					}
					return out, nil
				}
				break
			}
			p = draw(i, out, rng, true)
		}
		out = append(out, p)
	}
	return out, nil
}

// acceptable reports whether a point is new and satisfies the constraints.
func acceptable(req search.Request, proposed []search.Params, p search.Params) bool {
	return req.Constraints.Hold(p) && !repeats(req, proposed, p)
}

// repeats reports whether a point is in the past or among the proposed ones.
func repeats(req search.Request, proposed []search.Params, p search.Params) bool {
	active := req.Space.Active(p)
	// What has the most values comes first: it tells points apart.
	most := 0
	for i, d := range active {
		if n := d.Size(); n == 0 {
			most = i
			break
		} else if n > active[most].Size() {
			most = i
		}
	}
	if len(active) > 0 {
		active[0], active[most] = active[most], active[0]
	}
	values := make([]any, len(active))
	for i, d := range active {
		values[i] = p[d.Name]
	}
	added := slices.ContainsFunc(active, func(d *search.Dim) bool { return d.Default != nil })
	same := func(q search.Params) bool {
		known := 0
		if len(q) < len(active) && !added {
			return false
		}
		for i, d := range active {
			v, ok := q[d.Name]
			if !ok {
				v = d.Default // of a trial from before the parameter was added
			} else {
				known++
			}
			if !equal(values[i], v) {
				return false
			}
		}
		return known == len(q) // a record with a genome is another point
	}
	for i := range req.Past {
		if same(req.Past[i].Params) {
			return true
		}
	}
	for _, q := range proposed {
		if same(q) {
			return true
		}
	}
	return false
}

// equal compares a value of the space with a recorded one, which may have come
// through JSON.
func equal(v, recorded any) bool {
	switch x := v.(type) {
	case int:
		switch y := recorded.(type) {
		case int:
			return x == y
		case float64:
			return float64(x) == y
		}
		return false
	case float64:
		switch y := recorded.(type) {
		case float64:
			return x == y
		case int:
			return x == float64(y)
		}
		return false
	case string:
		y, ok := recorded.(string)
		return ok && x == y
	case bool:
		y, ok := recorded.(bool)
		return ok && x == y
	}
	return false
}

// leftOver is a point that was not tried, found by counting from a random one
// on; ok is false if there is none. In an endless space, and in one too large to count for
// points that satisfy the constraints, it draws from the prior.
func leftOver(req search.Request, proposed []search.Params, rng *rand.Rand) (p search.Params, ok bool) {
	const countable = 1 << 20
	size := req.Space.Size()
	constrained := !req.Constraints.None()
	if size == 0 || constrained && size > countable {
		for range 10_000 {
			p = req.Space.Sample(rng)
			if constrained {
				if p, ok = req.Constraints.Repair(req.Space, p, rng); !ok {
					return nil, false
				}
			}
			if !repeats(req, proposed, p) {
				return p, true
			}
		}
		return nil, false
	}
	tried := map[string]bool{}
	for _, r := range req.Past {
		tried[withDefaults(req.Space, r.Params).Key()] = true
	}
	for _, q := range proposed {
		tried[q.Key()] = true
	}
	first := rng.IntN(size)
	points := min(size, len(tried)+1)
	if constrained {
		points = size
	}
	for i := range points {
		if p = req.Space.Nth((first + i) % size); req.Constraints.Hold(p) && !tried[p.Key()] {
			return p, true
		}
	}
	return nil, false
}

// withDefaults is a recorded point with what was added to the space since.
func withDefaults(s search.Space, p search.Params) search.Params {
	if q, ok := s.Adopt(p); ok {
		return q
	}
	return p
}
