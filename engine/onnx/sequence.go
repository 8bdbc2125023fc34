package onnx

import (
	"math"
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine"
)

// dense multiplies what is flattened as it lies, with its rows of weights in that
// order.
func (g *graph) dense(d engine.Dense, x operand) operand {
	if d.PerStep {
		x = g.last(x)
		shape := slices.Clone(x.shape)
		in := shape[len(shape)-1]
		shape[len(shape)-1] = d.Out
		return operand{name: g.linear(x.name, g.weight("weight"), in, d.Out), shape: shape}
	}
	x = g.flat(x)
	w := g.weight("weight")
	if x.of != nil {
		w = inOrder(w, d.Out, x.of)
	}
	return operand{name: g.linear(x.name, w, x.shape[0], d.Out), shape: data.Shape{d.Out}}
}

// linear is x·W + b on the last axis, with the bias of the current layer.
func (g *graph) linear(x string, w []float32, in, out int) string {
	y := g.apply("MatMul", []string{x, g.floats(w, in, out)})
	if g.has("bias") {
		y = g.apply("Add", []string{y, g.floats(g.weight("bias"), out)})
	}
	return y
}

// linearOf is linear for a part of the current layer.
func (g *graph) linearOf(part, x string, in, out int) string {
	g.path = append(g.path, part)
	y := g.linear(x, g.weight("weight"), in, out)
	g.path = g.path[:len(g.path)-1]
	return y
}

func (g *graph) attention(a engine.Attention, x operand) string {
	steps, d, heads := x.shape[0], a.Width(x.shape[1]), or(a.Heads, 1)
	size := d / heads
	parts := []string{g.fresh("v"), g.fresh("v"), g.fresh("v")}
	g.node("Split", parts, []string{g.linearOf("qkv", x.name, x.shape[1], 3*d), g.ints(d, d, d)}, attr{"axis", 2})
	for i, perm := range [][]int{{0, 2, 1, 3}, {0, 2, 3, 1}, {0, 2, 1, 3}} {
		parts[i] = g.apply("Transpose", []string{g.reshape(parts[i], steps, heads, size)}, attr{"perm", perm})
	}
	scores := g.apply("Mul", []string{g.apply("MatMul", parts[:2]), g.number(1 / math.Sqrt(float64(size)))})
	if a.Causal {
		mask := make([]float32, steps*steps)
		for i := range mask {
			if i%steps > i/steps {
				mask[i] = -1e30 // nothing of it is left after the softmax
			}
		}
		scores = g.apply("Add", []string{scores, g.floats(mask, steps, steps)})
	}
	mixed := g.apply("MatMul", []string{g.apply("Softmax", []string{scores}, attr{"axis", -1}), parts[2]})
	joined := g.reshape(g.apply("Transpose", []string{mixed}, attr{"perm", []int{0, 2, 1, 3}}), steps, d)
	return g.linearOf("out", joined, d, x.shape[1])
}

// classToken is one vector for each row, behind the steps: the first step times 0, plus it.
func (g *graph) classToken(x operand) string {
	c := x.shape[1]
	first := g.apply("Gather", []string{x.name, g.ints(0)}, attr{"axis", 1})
	token := g.apply("Add", []string{g.apply("Mul", []string{first, g.number(0)}), g.floats(g.weight("weight"), c)})
	return g.apply("Concat", []string{x.name, token}, attr{"axis", 1})
}

func (g *graph) positional(p engine.Positional, x operand) string {
	table := g.weight("weight")
	if !p.Learned {
		table = engine.Sinusoids(x.shape[0], x.shape[1])
	}
	return g.apply("Add", []string{x.name, g.floats(table, x.shape...)})
}

// gru is ONNX's GRU with linear_before_reset, whose gates come in the order z, r,
// n, and whose steps come before the rows.
func (g *graph) gru(l engine.GRU, x operand) string {
	in, h := x.shape[1], l.Out
	order := func(part string, rows int) (w, b []float32) { // to 3·h × rows
		weight, bias := g.weight(part+".weight"), g.weight(part+".bias")
		for _, gate := range []int{1, 0, 2} {
			for j := gate * h; j < (gate+1)*h; j++ {
				for i := range rows {
					w = append(w, weight[i*3*h+j])
				}
			}
			b = append(b, bias[gate*h:(gate+1)*h]...)
		}
		return w, b
	}
	w, wb := order("input", in)
	r, rb := order("hidden", h)
	steps := g.apply("Transpose", []string{x.name}, attr{"perm", []int{1, 0, 2}})
	y := g.apply("GRU", []string{steps, g.floats(w, 1, 3*h, in), g.floats(r, 1, 3*h, h), g.floats(slices.Concat(wb, rb), 1, 6*h)},
		attr{"hidden_size", h}, attr{"linear_before_reset", 1})
	return g.apply("Transpose", []string{g.apply("Squeeze", []string{y, g.ints(1)})}, attr{"perm", []int{1, 0, 2}})
}

func (g *graph) residual(r engine.Residual, x operand) (operand, error) {
	body, err := g.within("body", r.Body, x)
	if err != nil {
		return x, err
	}
	short, err := g.project(x, body.shape)
	if err != nil {
		return x, err
	}
	return g.sum("Add", []operand{body, short}, body.shape), nil
}

// project brings a value to a shape by the projection of the current layer.
func (g *graph) project(x operand, to data.Shape) (operand, error) {
	l, err := engine.Projection(x.shape, to)
	if l == nil || err != nil {
		return x, err
	}
	return g.within("projection", l, x)
}

func (g *graph) par(p engine.Par, x operand) (operand, error) {
	shape, err := p.Infer(x.shape)
	if err != nil {
		return x, err
	}
	meet, err := p.Meet(x.shape)
	if err != nil {
		return x, err
	}
	var parts []operand
	for i, s := range p.Branches {
		g.path = append(g.path, strconv.Itoa(i))
		y, err := g.seq(s, x)
		if err == nil {
			y, err = g.project(y, meet[i])
		}
		g.path = g.path[:len(g.path)-1]
		if err != nil {
			return x, err
		}
		parts = append(parts, y)
	}
	if p.Concat {
		return g.concat(parts, shape), nil
	}
	return g.sum("Sum", parts, shape), nil
}
