package quant

import (
	"fmt"

	"budwood/engine"
	"budwood/engine/kernel"
)

// Work is what the steps in integers do for so many rows, in kinds of [engine.Work]:
// products of codes, their outputs, which are made codes again, and calls; bytes that are
// copied or compared; functions are values that are computed one by one; singles those that
// become codes or floats beside a product.
func (n *Net) Work(rows int) (w engine.Work) {
	r := float64(rows)
	if n.values[0].coded {
		w.Singles += r * float64(n.in.Size())
	}
	for _, s := range n.steps {
		of := &n.values[s.out]
		size := r * float64(of.shape.Size())
		if s.kind != floatStep {
			w.Ops++
		}
		switch s.kind {
		case denseStep:
			cols := float64(kernel.Padded(s.w.out))
			vectors := size / float64(s.w.out)
			w.Products += 2 * vectors * cols * float64(s.w.inner)
			w.Operands += float64(s.w.inner) * cols
			w.Outputs += size
			w.Calls += vectors / max(float64(1<<14)/cols, 1)
		case convStep:
			s.convWork(&w, r, size)
		case sumStep:
			if of.native == codes {
				w.Functions += size * float64(len(s.in))
			} else {
				w.Bytes += 8 * size * float64(len(s.in))
			}
		case concatStep:
			w.Bytes += 2 * size
			for _, x := range s.in {
				shape := n.values[x].shape
				w.Calls += r * float64(n.values[x].shape.Size()/shape[len(shape)-1])
			}
		case maxStep:
			w.Bytes += r * float64(s.g.h*s.g.w*s.g.c)
			w.Calls += r * float64(s.g.oh*s.g.kh)
		case meanStep:
			w.Functions += r * float64(s.g.h*s.g.w*s.g.c)
			w.Outputs += size
		}
		if of.native == codes && of.floating || of.native == floats && of.coded {
			w.Singles += size
		}
	}
	return w
}

// convWork is the work of a convolution: a product for each row of the output.
func (s *step) convWork(w *engine.Work, rows, size float64) {
	g := &s.g
	if g.ph != g.h || g.pw != g.w || g.groups > 1 && !s.w.depthwise(g) {
		w.Bytes += 2 * rows * float64(g.h*g.w*g.c)
		w.Calls += rows * float64(g.h)
	}
	w.Outputs += size
	if s.w.depthwise(g) {
		w.Functions += size * float64(g.kh*g.kw)
		w.Calls += size / float64(s.w.out)
		return
	}
	cols := float64(kernel.Padded(s.w.out / g.groups))
	w.Products += 2 * rows * float64(g.oh*g.ow*g.groups) * cols * float64(s.w.segs*s.w.inner)
	w.Calls += rows * float64(g.oh*g.groups)
}

// Latency is about how many seconds the network takes on one core of a machine to predict
// so many rows at once; a nil machine is the built-in one.
func (n *Net) Latency(rows int, m *engine.Machine) (float64, error) {
	if m == nil {
		m = engine.BuiltIn()
	}
	seconds := m.Integers(n.Work(rows))
	for _, s := range n.steps {
		if s.kind != floatStep {
			continue
		}
		t, err := engine.Latency(s.layer, n.values[s.in[0]].shape, engine.Config{CPU: n.cpu, Inference: true}, rows, m)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", s.name, err)
		}
		seconds += t
	}
	return seconds, nil
}
