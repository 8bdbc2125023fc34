package nas

import "slices"

// site is a decision of a derivation that could have been taken otherwise.
type site struct {
	p    *production
	n    *node
	path []int // from the root
	attr int   // of an Op: which attribute
}

// sites visits the open decisions of a derivation: the alternative of each
// OneOf, the number of each Repeat, each attribute of each Op. The path of a
// site is good until visit returns; visit stops the walk by returning false.
func (p *production) sites(n *node, path []int, visit func(site) bool) bool {
	switch p.kind {
	case opKind:
		for i, d := range p.dims {
			if d != nil && d.Size() != 1 && !visit(site{p, n, path, i}) {
				return false
			}
		}
		return true
	case oneOfKind:
		if len(p.kids) > 1 && !visit(site{p: p, n: n, path: path}) {
			return false
		}
	case repeatKind:
		if p.max > p.min && !visit(site{p: p, n: n, path: path}) {
			return false
		}
	}
	for i := range n.kids {
		if !p.kid(n, i).sites(&n.kids[i], append(path, i), visit) {
			return false
		}
	}
	return true
}

// decisions is the number of sites of a derivation.
func (p *production) decisions(n *node) int {
	count := 0
	switch {
	case p.kind == opKind:
		for _, d := range p.dims {
			if d != nil && d.Size() != 1 {
				count++
			}
		}
	case p.kind == oneOfKind && len(p.kids) > 1, p.kind == repeatKind && p.max > p.min:
		count++
	}
	for i := range n.kids {
		count += p.kid(n, i).decisions(&n.kids[i])
	}
	return count
}

// replace is the genome with another node at the site.
func (s site) replace(g Genome, n node) Genome {
	return Genome{g.root.edited(s.path, n)}
}

// with is the site's node with another value of its attribute.
func (s site) with(x float64) node {
	n := *s.n
	n.vals = slices.Clone(n.vals)
	n.vals[s.attr] = x
	return n
}

// inserted and without are the site's node with one repetition more or less.
func (s site) inserted(i int, kid node) node {
	n := *s.n
	n.kids = slices.Insert(slices.Clone(n.kids), i, kid)
	return n
}

func (s site) without(i int) node {
	n := *s.n
	n.kids = slices.Delete(slices.Clone(n.kids), i, i+1)
	return n
}

// edited is a copy of the tree with another node at a path.
func (n node) edited(path []int, to node) node {
	if len(path) == 0 {
		return to
	}
	n.kids = slices.Clone(n.kids)
	n.kids[path[0]] = n.kids[path[0]].edited(path[1:], to)
	return n
}
