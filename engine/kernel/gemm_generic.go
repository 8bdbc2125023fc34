package kernel

// generic computes the product in plain Go, in tiles of 2×4 values of C that
// stay in registers. b is row-major.
func (g *Gemm) generic(b []float32, rowB int) {
	i := 0
	for ; i+2 <= g.M; i += 2 {
		j := 0
		for ; j+4 <= g.N; j += 4 {
			g.tile2x4(i, j, b, rowB)
		}
		for ; j < g.N; j++ {
			g.tile1x1(i, j, b, rowB)
			g.tile1x1(i+1, j, b, rowB)
		}
	}
	for ; i < g.M; i++ {
		for j := range g.N {
			g.tile1x1(i, j, b, rowB)
		}
	}
}

func (g *Gemm) tile2x4(i, j int, b []float32, rowB int) {
	var s00, s01, s02, s03, s10, s11, s12, s13 float32
	at, colA, rowA := j, g.ColA, g.RowA
	for seg := range g.segs() {
		p := i*rowA + seg*g.SegA
		for range g.K {
			a0, a1 := g.A[p], g.A[p+rowA]
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
			at += rowB
		}
	}
	g.store(i, j, s00, s01, s02, s03)
	g.store(i+1, j, s10, s11, s12, s13)
}

func (g *Gemm) store(i, j int, s ...float32) {
	c := g.C[i*g.RowC+j : i*g.RowC+j+len(s)]
	for q, v := range s {
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

func (g *Gemm) tile1x1(i, j int, b []float32, rowB int) {
	var s float32
	at := j
	for seg := range g.segs() {
		p := i*g.RowA + seg*g.SegA
		for range g.K {
			s += g.A[p] * b[at]
			p += g.ColA
			at += rowB
		}
	}
	g.store(i, j, s)
}
