package quant

import "budwood/engine/kernel"

// dense computes a Dense on all rows at once.
func (s *step) dense(n *Net, rows int) {
	x, y := &n.buffers[s.in[0]], &n.buffers[s.out]
	of := &n.values[s.out]
	m := rows * of.shape.Size() / s.w.out // vectors
	p, cols, most := &s.work.product, kernel.Padded(s.w.out), 0
	p.B, p.Bias, p.RowA = s.w.matrices[0], s.w.zeroed[0], s.w.inner
	if most = max(1<<14/cols, 1); len(p.C) < min(most, m)*cols { // sums stay in the first-level cache
		p.C = make([]int32, most*cols)
	}
	for i := 0; i < m; i += most {
		p.M, p.A = min(most, m-i), x.codes[i*s.w.inner:]
		p.Run()
		for r := range p.M {
			sums, at := p.C[r*cols:(r+1)*cols], (i+r)*s.w.out
			if of.native == codes {
				s.codesOf(of).Requantize(y.codes[at:at+s.w.out], sums, s.scale)
				continue
			}
			to := y.floats[at : at+s.w.out]
			kernel.Unquantize(to, sums, s.scale)
			if s.relu {
				kernel.ReLU(to, to)
			}
		}
	}
}

// codesOf are the codes of the output, with a ReLU that is part of the step.
func (s *step) codesOf(v *value) kernel.Codes {
	c := v.codes
	if s.relu {
		c.Low = c.Zero
	}
	return c
}

// conv computes a convolution, one image after the other.
func (s *step) conv(n *Net, rows int) {
	x, y, g := &n.buffers[s.in[0]], &n.buffers[s.out], &s.g
	of := &n.values[s.out]
	zero := n.values[s.in[0]].codes.Zero
	for i := range rows {
		in := x.codes[i*g.h*g.w*g.c : (i+1)*g.h*g.w*g.c+kernel.Slack]
		out := y.codes[i*g.oh*g.ow*g.oc : (i+1)*g.oh*g.ow*g.oc]
		c := s.codesOf(of)
		switch {
		case s.w.depthwise(g):
			s.depthwise(out, s.framed(in, 0, g.c, zero), c)
		case g.groups == 1:
			s.group(out, s.framed(in, 0, g.c, zero), 0, c)
		default:
			for k := range g.groups {
				s.group(out, s.framed(in, k*g.c/g.groups, g.c/g.groups, zero), k, c)
			}
		}
	}
}

// framed is some channels of an image in a frame of the zero point; the image itself if
// nothing is to be done.
func (s *step) framed(x []uint8, from, channels int, zero uint8) []uint8 {
	g := &s.g
	if channels == g.c && g.ph == g.h && g.pw == g.w {
		return x
	}
	size := g.ph*g.pw*channels + kernel.Slack
	if len(s.work.frame) != size {
		s.work.frame = make([]uint8, size)
		for i := range s.work.frame {
			s.work.frame[i] = zero
		}
	}
	for r := range min(g.h, g.ph-g.top) {
		to := s.work.frame[((r+g.top)*g.pw+g.left)*channels:]
		if row := x[r*g.w*g.c:]; channels == g.c {
			copy(to[:min(g.w, g.pw-g.left)*channels], row)
		} else {
			for p := range min(g.w, g.pw-g.left) {
				copy(to[p*channels:(p+1)*channels], row[p*g.c+from:])
			}
		}
	}
	return s.work.frame
}

// group computes the channels of a group from those of a framed image: a row of the
// output at a time.
func (s *step) group(out, x []uint8, k int, c kernel.Codes) {
	g, w, p := &s.g, s.w, &s.work.product
	channels, n := g.c/g.groups, w.out/g.groups
	cols := kernel.Padded(n)
	p.B, p.Bias, p.M, p.RowA, p.SegA = w.matrices[k], w.zeroed[k], g.ow, g.strideW*channels, g.pw*channels
	if g.dilation > 1 {
		p.SegA = g.dilation * channels
	}
	if len(p.C) < g.ow*cols {
		p.C = make([]int32, g.ow*cols)
		s.work.codes = make([]uint8, g.ow*cols)
	}
	scale := s.tiled(k, n, cols)
	for r := range g.oh {
		p.A = x[r*g.strideH*g.pw*channels:]
		p.Run()
		to, codes := out[r*g.ow*w.out:(r+1)*g.ow*w.out], s.work.codes
		if n == cols && g.groups == 1 {
			codes = to
		}
		for at := 0; at < g.ow*cols; at += len(scale) {
			end := min(at+len(scale), g.ow*cols)
			c.Requantize(codes[at:end], p.C[at:end], scale)
		}
		if n == cols && g.groups == 1 {
			continue
		}
		for i := range g.ow {
			copy(to[i*w.out+k*n:i*w.out+(k+1)*n], codes[i*cols:])
		}
	}
}

// tiled are the multipliers of a group's channels for several pixels.
func (s *step) tiled(k, n, cols int) []float32 {
	pixels := max(min(s.g.ow, 512/cols), 1)
	if len(s.work.tiled) == 0 {
		s.work.tiled = make([]float32, s.g.groups*pixels*cols)
		for i := range s.g.groups * pixels {
			copy(s.work.tiled[i*cols:i*cols+n], s.scale[i/pixels*n:])
		}
	}
	return s.work.tiled[k*pixels*cols : (k+1)*pixels*cols]
}

// depthwise computes the channels of a convolution of which each reads one.
func (s *step) depthwise(out, x []uint8, c kernel.Codes) {
	g, w := &s.g, s.w
	per := w.out / g.groups
	sums := s.work.product.C
	if len(sums) < w.out {
		sums = make([]int32, w.out)
		s.work.product.C = sums
	}
	sums = sums[:w.out]
	for oy := range g.oh {
		for ox := range g.ow {
			for j := range sums {
				sums[j] = w.zeroed[j/per][j%per]
			}
			for ky := range g.kh {
				for kx := range g.kw {
					in := x[((oy*g.strideH+ky)*g.pw+ox*g.strideW+kx*g.dilation)*g.c:]
					weights := w.codes[(ky*g.kw+kx)*w.out : (ky*g.kw+kx+1)*w.out]
					if per == 1 {
						for j, v := range weights {
							sums[j] += int32(v) * int32(in[j])
						}
						continue
					}
					for j, v := range weights {
						sums[j] += int32(v) * int32(in[j/per])
					}
				}
			}
			at := (oy*g.ow + ox) * w.out
			c.Requantize(out[at:at+w.out], sums, s.scale)
		}
	}
}
