package kernel

// GRUCell is one step of a gated recurrent unit for one sequence, h values each:
//
//	r = σ(gates₀ + hidden₀), z = σ(gates₁ + hidden₁)
//	n = tanh(gates₂ + r·hidden₂), y = (1 − z)·n + z·prev
//
// gates is the input's share of r, z and n (3·h), hidden the last state's. r, z
// and n replace gates. prev may be nil for zeros.
func GRUCell(y, gates, hidden, prev []float32) {
	h := len(y)
	rz := gates[:2*h]
	Add(rz, hidden)
	Sigmoid(rz, rz)
	r, z, n := gates[:h], gates[h:2*h], gates[2*h:3*h]
	addProduct(n, r, hidden[2*h:3*h])
	Tanh(n, n)
	if prev == nil {
		for i, v := range n {
			y[i] = (1 - z[i]) * v
		}
		return
	}
	mix(y, n, z, prev)
}

// addProduct adds a·b to dst.
func addProduct(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	if v, n := whole(len(dst)); v > 0 {
		addProductVectors(&dst[0], &a[0], &b[0], v)
		dst, a, b = dst[n:], a[n:], b[n:]
	}
	for i, v := range a {
		dst[i] += float32(v * b[i]) // rounded, as in the vectors
	}
}

// mix writes y = x + z·(p − x).
func mix(y, x, z, p []float32) {
	x, z, p = x[:len(y)], z[:len(y)], p[:len(y)]
	if v, w := whole(len(y)); v > 0 {
		mixVectors(&y[0], &x[0], &z[0], &p[0], v)
		y, x, z, p = y[w:], x[w:], z[w:], p[w:]
	}
	for i, v := range x {
		y[i] = v + float32(z[i]*(p[i]-v))
	}
}

// GRUCellBack is the backward pass of [GRUCell]: from r, z and n in gates and the
// last state's share of n in hidden (h values), and from the gradient dy, it
// writes the gradients of the input's share to dgates (3·h), that of the last
// state's share of n over hidden, and the gradient of prev to dprev.
func GRUCellBack(dgates, dprev, hidden, dy, gates, prev []float32) {
	h := len(dy)
	r, z, n := gates[:h], gates[h:2*h], gates[2*h:3*h]
	dr, dz, dn := dgates[:h], dgates[h:2*h], dgates[2*h:3*h]
	dprev, hidden = dprev[:h], hidden[:h]
	for i, d := range dy {
		before := float32(0)
		if prev != nil {
			before = prev[i]
		}
		dprev[i] = d * z[i]
		dz[i] = d * (before - n[i]) * z[i] * (1 - z[i])
		e := d * (1 - z[i]) * (1 - n[i]*n[i])
		dn[i] = e
		dr[i] = e * hidden[i] * r[i] * (1 - r[i])
		hidden[i] = e * r[i]
	}
}
