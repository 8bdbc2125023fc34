package kernel

// generic computes the product in plain Go, in tiles of 2×4 values of C that
// stay in registers. B's columns are 1 apart.
func (g *Gemm) generic() {
	i := 0
	for ; i+2 <= g.M; i += 2 {
		j := 0
		for ; j+4 <= g.N; j += 4 {
			g.tile2x4(i, j)
		}
		for ; j < g.N; j++ {
			g.tile1x1(i, j)
			g.tile1x1(i+1, j)
		}
	}
	for ; i < g.M; i++ {
		for j := range g.N {
			g.tile1x1(i, j)
		}
	}
}

func (g *Gemm) tile2x4(i, j int) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	a, b, k, colA, rowB := g.A, g.B, g.K, g.ColA, g.RowB
	at := j
	for seg := range g.segs() {
		p := i*g.RowA + seg*g.SegA
		q := p + g.RowA
		for range k {
			a0, a1 := a[p], a[q]
			r := (*[4]float32)(b[at:])
			b0, b1, b2, b3 := r[0], r[1], r[2], r[3]
			s00 += a0 * b0
			s01 += a0 * b1
			s02 += a0 * b2
			s03 += a0 * b3
			s10 += a1 * b0
			s11 += a1 * b1
			s12 += a1 * b2
			s13 += a1 * b3
			p += colA
			q += colA
			at += rowB
		}
	}
	g.store(i, j, s00, s01, s02, s03)
	g.store(i+1, j, s10, s11, s12, s13)
}

func (g *Gemm) tile1x1(i, j int) {
	var s float32
	a, b, k, colA, rowB := g.A, g.B, g.K, g.ColA, g.RowB
	at := j
	for seg := range g.segs() {
		p := i*g.RowA + seg*g.SegA
		for range k {
			s += a[p] * b[at]
			p += colA
			at += rowB
		}
	}
	g.store(i, j, s)
}

// store writes sums to row i of C from column j on.
func (g *Gemm) store(i, j int, sums ...float32) {
	c := g.C[i*g.RowC+j:][:len(sums)]
	for q, v := range sums {
		if g.Bias != nil {
			v += g.Bias[j+q]
		}
		if g.Add {
			v += c[q]
		}
		if g.ReLU && v < 0 {
			v = 0
		}
		c[q] = v
	}
}
