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
	for i, v := range hidden[2*h : 3*h] {
		n[i] += r[i] * v
	}
	Tanh(n, n)
	if prev == nil {
		for i, v := range n {
			y[i] = (1 - z[i]) * v
		}
		return
	}
	prev = prev[:h]
	for i, v := range n {
		y[i] = v + z[i]*(prev[i]-v)
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
