package hpo

import (
	"math/rand/v2"

	"budwood/search"
)

// untried proposes req.N points that are neither in the past nor proposed
// before in the same request. Point i is drawn after the points out, with the
// trial's own rng, and again for as long as it repeats a point. A point with a
// continuous parameter counts as new.
func untried(req search.Request, draw func(i int, out []search.Params, rng *rand.Rand, again bool) search.Params) ([]search.Params, error) {
	var out []search.Params
	for i := range req.N {
		rng := req.Rand(i)
		p := draw(i, out, rng, false)
		for try := 0; repeats(req, out, p); try++ {
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

// repeats tells whether a point is in the past or among the proposed ones.
func repeats(req search.Request, proposed []search.Params, p search.Params) bool {
	active := req.Space.Active(p)
	values := make([]any, len(active))
	for i, d := range active {
		if d.Size() == 0 {
			return false
		}
		values[i] = p[d.Name]
	}
	same := func(q search.Params) bool {
		if len(q) != len(active) { // a record with a genome is another point
			return false
		}
		for i, d := range active {
			if !equal(values[i], q[d.Name]) {
				return false
			}
		}
		return true
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
// on; ok is false if there is none. In an endless space, where only points
// without a continuous parameter can repeat, it draws from the prior.
func leftOver(req search.Request, proposed []search.Params, rng *rand.Rand) (p search.Params, ok bool) {
	size := req.Space.Size()
	if size == 0 {
		for range 10_000 {
			if p = req.Space.Sample(rng); !repeats(req, proposed, p) {
				return p, true
			}
		}
		return nil, false
	}
	tried := map[string]bool{}
	for _, r := range req.Past {
		tried[r.Params.Key()] = true
	}
	for _, q := range proposed {
		tried[q.Key()] = true
	}
	first := rng.IntN(size)
	for i := range min(size, len(tried)+1) {
		if p = point(req.Space, (first+i)%size); !tried[p.Key()] {
			return p, true
		}
	}
	return nil, false
}

// point is number i of the points of a finite space, 0 ≤ i < s.Size().
func point(s search.Space, i int) search.Params {
	p := search.Params{}
	fillPoint(p, s, i)
	return p
}

func fillPoint(p search.Params, s search.Space, i int) {
	for _, q := range s {
		d := q.Dim()
		n := search.Space{q}.Size()
		k := i % n
		i /= n
		if d.Kind != search.KindChoice {
			p[d.Name] = value(d, k)
			continue
		}
		for _, o := range d.Options {
			if m := o.Space.Size(); k >= m {
				k -= m
				continue
			}
			p[d.Name] = o.Value
			fillPoint(p, o.Space, k)
			break
		}
	}
}

// value is number k of the values of a discrete number.
func value(d *search.Dim, k int) any {
	step := d.Step
	if step == 0 {
		step = 1
	}
	x := min(d.Lo+float64(k)*step, d.Hi)
	if d.Kind == search.KindInt {
		return int(x)
	}
	return x
}
