package nas

import (
	"maps"

	"budwood/search"
)

// tried knows the candidates of a study: the past ones, running ones included,
// and those proposed since. Networks are told apart by their mark.
type tried struct {
	mark     func(search.Params) string
	past     []search.Record
	proposed []search.Params
	// byMark is made when a second network is looked for: one pass over a long
	// past is cheaper than an index.
	byMark map[string][]search.Params
	looked bool
}

func (t *tried) add(p search.Params) {
	t.proposed = append(t.proposed, p)
	if t.byMark != nil {
		m := t.mark(p)
		t.byMark[m] = append(t.byMark[m], p)
	}
}

// with are the params with a network of that mark.
func (t *tried) with(mark string) []search.Params {
	if t.looked && t.byMark == nil {
		t.byMark = map[string][]search.Params{}
		t.each(func(m string, p search.Params) { t.byMark[m] = append(t.byMark[m], p) })
	}
	if t.byMark != nil {
		return t.byMark[mark]
	}
	t.looked = true
	var out []search.Params
	t.each(func(m string, p search.Params) {
		if m == mark {
			out = append(out, p)
		}
	})
	return out
}

func (t *tried) each(f func(mark string, p search.Params)) {
	for i := range t.past {
		f(t.mark(t.past[i].Params), t.past[i].Params)
	}
	for _, p := range t.proposed {
		f(t.mark(p), p)
	}
}

// has tells whether a network was tried with the same hyperparameters.
func (t *tried) has(mark string, p search.Params) bool {
	key := pointKey(p)
	for _, q := range t.with(mark) {
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
