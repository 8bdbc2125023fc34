package nas

import "budwood/search"

// countable bounds the spaces that are searched point by point for what was
// not tried yet.
const countable = 20_000

// size is the number of derivations, or some number above countable.
func (p *production) size() int {
	n := 1
	switch p.kind {
	case opKind:
		for _, d := range p.dims {
			if d != nil {
				n = times(n, d.Size())
			}
		}
		return n
	case oneOfKind:
		n = 0
		for _, k := range p.kids {
			n = min(n+k.size(), countable+1)
		}
		return n
	case repeatKind, cellKind:
		k := p.kids[0].size()
		n = 0
		for i := p.min; i <= p.max && n <= countable; i++ {
			n += power(k, i)
		}
		return min(n, countable+1)
	}
	for _, k := range p.kids {
		n = times(n, k.size())
	}
	return n
}

// times multiplies counts, of which 0 is endless.
func times(a, b int) int {
	if a == 0 || b == 0 || a > countable/b {
		return countable + 1
	}
	return a * b
}

func power(a, n int) int {
	p := 1
	for range n {
		p = times(p, a)
	}
	return p
}

// nth is derivation number i of a countable production.
func (p *production) nth(i int) node {
	n := node{kind: p.kind}
	switch p.kind {
	case opKind:
		n.op = p.op
		n.vals = make([]float64, len(p.dims))
		for j, d := range p.dims {
			if d == nil {
				n.vals[j] = p.op.attrs[j].def
				continue
			}
			n.vals[j], _ = search.Number(d.Nth(i % d.Size()))
			i /= d.Size()
		}
		return n
	case oneOfKind:
		for ; i >= p.kids[n.pick].size(); n.pick++ {
			i -= p.kids[n.pick].size()
		}
		n.kids = []node{p.kids[n.pick].nth(i)}
		return n
	}
	count := len(p.kids)
	if p.kind == repeatKind || p.kind == cellKind {
		count = p.min
		for ; i >= power(p.kids[0].size(), count); count++ {
			i -= power(p.kids[0].size(), count)
		}
	}
	n.kids = make([]node, count)
	for j := range n.kids {
		k := p.kid(&n, j)
		n.kids[j] = k.nth(i % k.size())
		i /= k.size()
	}
	return n
}
