package nas

import (
	"maps"
	"slices"

	"budwood/search"
)

// tried knows the candidates of a study: the past ones, running ones included,
// and those proposed since. Networks are told apart by their mark.
type tried struct {
	space    *Space
	past     *memo
	proposed []search.Params
}

// with are the params with a network of that mark.
func (t *tried) with(mark string) []search.Params {
	out := t.past.with(t.space, mark)
	for _, p := range t.proposed {
		if t.space.markOf(p) == mark {
			out = append(out[:len(out):len(out)], p)
		}
	}
	return out
}

// among reports whether one of the params has the same hyperparameters as p.
func among(hyper search.Space, params []search.Params, p search.Params) bool {
	if len(params) == 0 {
		return false
	}
	key := ""
	return slices.ContainsFunc(params, func(q search.Params) bool {
		if r, ok := hyper.Adopt(q); ok { // q may be older than a change of the space
			q = r
		}
		if differ(p, q) {
			return false
		}
		if key == "" {
			key = pointKey(p)
		}
		return pointKey(q) == key
	})
}

// differ reports whether a number of two points is not the same: comparing is cheaper
// than the keys of all.
func differ(p, q search.Params) bool {
	for name, v := range p {
		x, number := search.Number(v)
		y, other := search.Number(q[name])
		if number && other && x != y {
			return true
		}
	}
	return false
}

// Key is the same for params of the same network, equal by its canonical hash,
// with the same hyperparameters, wherever they come from.
func Key(p search.Params) string { return new(Space).markOf(p) + " " + pointKey(p) }

// pointKey is the key of the hyperparameters alone.
func pointKey(p search.Params) string {
	p = maps.Clone(p)
	delete(p, search.ArchitectureKey)
	return p.Key()
}
