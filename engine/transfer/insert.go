package transfer

import (
	"math"

	"budwood/engine"
)

func (m *transfer) insertAll(c []item, f featureMap) featureMap {
	for _, x := range c {
		f = m.insert(x, f)
	}
	return f
}

// insert lets the feature map through a new layer, as the identity where it can be one.
func (m *transfer) insert(c item, f featureMap) featureMap {
	switch l := c.layer.(type) {
	case engine.Dropout:
		return f
	case engine.Flatten:
		if len(f.now) == 1 {
			return f
		}
	case engine.ReLU:
		f.cut = f.cut || f.exact && !f.positive
		f.exact = f.exact && f.positive
		return f
	case engine.LeakyReLU: // the identity on what is not negative
		f.exact = f.exact && f.positive
		return f
	case engine.BatchNorm: // γ/√(1 + ε) = 1
		m.fill(inside(c.path, "weight"), float32(math.Sqrt(1+engine.Eps(l.Eps))))
		return f
	case engine.Dense, engine.Conv, engine.Conv1D:
		if g, ok := m.identity(c, f); ok {
			return g
		}
	case engine.Transformer:
		if len(f.now) == 2 {
			return m.insertAll(items(l.Layers(last(f.now)), c.path), f)
		}
	case engine.Residual, engine.Par:
		f.cut = false
		was := item{engine.Par{Branches: []engine.Seq{{}}}, ""}
		return m.sum(was, c, f) // there was the input alone
	}
	f.cut = false
	now := infer(c.layer, f.now)
	if len(now) != len(f.now) || last(now) != last(f.now) {
		f.src = prefix(last(now), last(f.was))
	}
	f.now, f.exact, f.positive = now, false, false
	return f
}

// silence makes new layers return 0 in such a way that they learn: the last norm
// or the last weights are 0. It is not possible if a ReLU is behind them, which has
// no slope at 0.
func (m *transfer) silence(c []item) bool {
	for i := len(c) - 1; i >= 0; i-- {
		switch c[i].layer.(type) {
		case engine.BatchNorm, engine.LayerNorm, engine.GroupNorm, engine.Dense, engine.Conv, engine.Conv1D:
			m.fill(inside(c[i].path, "weight"), 0)
			m.fill(inside(c[i].path, "bias"), 0)
			return true
		case engine.Attention:
			m.fill(inside(c[i].path, "out.weight"), 0)
			m.fill(inside(c[i].path, "out.bias"), 0)
			return true
		case engine.Dropout, engine.Flatten, engine.Reshape, engine.MaxPool, engine.AvgPool, engine.GlobalAvgPool,
			engine.LastStep, engine.LeakyReLU, engine.GELU, engine.SiLU, engine.Tanh, engine.HardSwish, engine.SqueezeExcite:
		default:
			return false
		}
	}
	return false
}
