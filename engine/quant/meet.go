package quant

import (
	"math"

	"budwood/engine/kernel"
)

// sum adds branches: their codes less their zero points, each times its scale over that
// of the output, rounded once; or floats.
func (s *step) sum(n *Net, rows int) {
	of, y := &n.values[s.out], &n.buffers[s.out]
	size := rows * of.shape.Size()
	if of.native == floats {
		to := y.floats[:size]
		copy(to, n.buffers[s.in[0]].floats)
		for _, x := range s.in[1:] {
			for i, v := range n.buffers[x].floats[:size] {
				to[i] += v
			}
		}
		if s.relu {
			kernel.ReLU(to, to)
		}
		return
	}
	c := s.codesOf(of)
	low, high := float32(int(c.Low)-int(c.Zero)), float32(255-int(c.Zero))
	to := y.codes[:size]
	tables := make([]*[256]float32, len(s.in))
	for i, x := range s.in {
		tables[i] = new([256]float32)
		from := &n.values[x].codes
		for q := range 256 {
			tables[i][q] = float32(q-int(from.Zero)) * (from.Scale / c.Scale)
		}
	}
	for i := range to {
		var v float32
		for k, x := range s.in {
			v += tables[k][n.buffers[x].codes[i]]
		}
		to[i] = uint8(int32(math.RoundToEven(float64(min(max(v, low), high)))) + int32(c.Zero))
	}
}

// concat lays the last axes of branches side by side.
func (s *step) concat(n *Net, rows int) {
	of, y := &n.values[s.out], &n.buffers[s.out]
	all, at := of.shape[len(of.shape)-1], 0
	count := rows * of.shape.Size() / all
	for _, x := range s.in {
		shape, b := n.values[x].shape, &n.buffers[x]
		own := shape[len(shape)-1]
		for i := range count {
			if of.native == floats {
				copy(y.floats[i*all+at:i*all+at+own], b.floats[i*own:])
			} else {
				copy(y.codes[i*all+at:i*all+at+own], b.codes[i*own:])
			}
		}
		at += own
	}
}
