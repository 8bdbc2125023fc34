package nas

import (
	"maps"

	"budwood/search"
)

// tried knows the candidates of a study: the past ones, running ones included,
// and those proposed since. Genomes count as equal if their hashes are.
type tried struct {
	past     []search.Record
	proposed []search.Params
	// byHash is made when a second network is looked for: one pass over a long
	// past is cheaper than an index.
	byHash map[string][]search.Params
	looked bool
}

func (t *tried) add(p search.Params) {
	t.proposed = append(t.proposed, p)
	if t.byHash != nil {
		h := hashOf(p)
		t.byHash[h] = append(t.byHash[h], p)
	}
}

// with are the params with a network of that hash.
func (t *tried) with(hash string) []search.Params {
	if t.looked && t.byHash == nil {
		t.byHash = map[string][]search.Params{}
		t.each(func(h string, p search.Params) { t.byHash[h] = append(t.byHash[h], p) })
	}
	if t.byHash != nil {
		return t.byHash[hash]
	}
	t.looked = true
	var out []search.Params
	t.each(func(h string, p search.Params) {
		if h == hash {
			out = append(out, p)
		}
	})
	return out
}

func (t *tried) each(f func(hash string, p search.Params)) {
	for i := range t.past {
		f(hashOf(t.past[i].Params), t.past[i].Params)
	}
	for _, p := range t.proposed {
		f(hashOf(p), p)
	}
}

// has tells whether a network was tried with the same hyperparameters.
func (t *tried) has(hash string, p search.Params) bool {
	key := pointKey(p)
	for _, q := range t.with(hash) {
		if pointKey(q) == key {
			return true
		}
	}
	return false
}

// pointKey is the key of the hyperparameters alone.
func pointKey(p search.Params) string {
	p = maps.Clone(p)
	delete(p, search.ArchitectureKey)
	return p.Key()
}
