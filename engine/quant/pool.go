package quant

import "budwood/engine/kernel"

// max takes the largest codes of windows.
func (s *step) max(n *Net, rows int) {
	x, y, g := n.buffers[s.in[0]].codes, n.buffers[s.out].codes, &s.g
	row := g.w * g.c
	if len(s.work.codes) < row {
		s.work.codes = make([]uint8, row)
	}
	top := s.work.codes[:row]
	for i := range rows {
		in, out := x[i*g.h*row:(i+1)*g.h*row], y[i*g.oh*g.ow*g.c:(i+1)*g.oh*g.ow*g.c]
		for r := range g.oh {
			copy(top, in[r*g.kh*row:])
			for k := 1; k < g.kh; k++ {
				kernel.MaxBytes(top, top, in[(r*g.kh+k)*row:])
			}
			kernel.MaxPixels(out[r*g.ow*g.c:(r+1)*g.ow*g.c], top, g.c, g.kw)
		}
	}
}

// mean takes the means of windows: sums of codes in int32, then a scale.
func (s *step) mean(n *Net, rows int) {
	x, y, g := n.buffers[s.in[0]].codes, n.buffers[s.out].codes, &s.g
	zero := int32(n.values[s.in[0]].codes.Zero) * int32(g.kh*g.kw)
	c := s.codesOf(&n.values[s.out])
	if len(s.work.product.C) < g.c {
		s.work.product.C = make([]int32, g.c)
	}
	sums := s.work.product.C[:g.c]
	for i := range rows {
		in, out := x[i*g.h*g.w*g.c:(i+1)*g.h*g.w*g.c], y[i*g.oh*g.ow*g.c:(i+1)*g.oh*g.ow*g.c]
		for p := range g.oh * g.ow {
			for j := range sums {
				sums[j] = -zero
			}
			for k := range g.kh * g.kw {
				at := ((p/g.ow*g.strideH+k/g.kw)*g.w + p%g.ow*g.strideW + k%g.kw) * g.c
				for j, v := range in[at : at+g.c] {
					sums[j] += int32(v)
				}
			}
			c.Requantize(out[p*g.c:(p+1)*g.c], sums, s.scale)
		}
	}
}
