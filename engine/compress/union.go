package compress

// union is a forest of elements (Tarjan 1975): channels that can only be cut
// together have one root.
type union struct{ parent []int }

// grow makes the elements exist up to number n−1.
func (u *union) grow(n int) {
	for len(u.parent) < n {
		u.parent = append(u.parent, len(u.parent))
	}
}

// root is the element that stands for all that are united with one.
func (u *union) root(e int) int {
	for u.parent[e] != e {
		u.parent[e] = u.parent[u.parent[e]]
		e = u.parent[e]
	}
	return e
}

// unite makes the lower root that of both.
func (u *union) unite(a, b int) {
	a, b = u.root(a), u.root(b)
	u.parent[max(a, b)] = min(a, b)
}
