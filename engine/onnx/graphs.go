package onnx

import (
	"slices"
	"strconv"

	"budwood/data"
	"budwood/engine"
)

// cell adds the edges of a cell node by node.
func (g *graph) cell(c engine.Cell, x operand) (operand, error) {
	shapes, err := c.Shapes(x.shape)
	if err != nil {
		return x, err
	}
	nodes := make([]operand, c.Nodes)
	nodes[0] = x
	for node := 1; node < c.Nodes; node++ {
		var parts []operand
		for i, e := range c.Edges {
			if e.To != node {
				continue
			}
			g.path = append(g.path, strconv.Itoa(i))
			y, err := g.seq(e.Body, nodes[e.From])
			if err == nil {
				y, err = g.project(y, shapes[node])
			}
			g.path = g.path[:len(g.path)-1]
			if err != nil {
				return x, err
			}
			parts = append(parts, y)
		}
		nodes[node] = g.sum("Sum", parts, shapes[node])
	}
	return nodes[c.Nodes-1], nil
}

// fpn adds the stages of a pyramid and then its levels, from the last one on.
func (g *graph) fpn(f engine.FPN, x operand) (operand, error) {
	shape, err := f.Infer(x.shape)
	if err != nil {
		return x, err
	}
	levels := make([]operand, len(f.Stages))
	for i, s := range f.Stages {
		if levels[i], err = g.within(strconv.Itoa(i), s, x); err != nil {
			return x, err
		}
		x = levels[i]
	}
	var top operand
	pooled := make([]operand, len(levels))
	for i, c := range slices.Backward(levels) {
		g.path = append(g.path, strconv.Itoa(i))
		c, err := g.within("lateral", engine.Conv{Out: f.Out, Kernel: 1}, c)
		if err == nil && i < len(levels)-1 {
			c = g.sum("Add", []operand{c, g.enlarge(top, c.shape)}, c.shape)
		}
		top = c
		switch {
		case err != nil:
		case f.Pool:
			pooled[i], err = g.within("output", engine.Seq{engine.Conv{Out: f.Out}, engine.GlobalAvgPool{}}, c)
		case i == 0:
			top, err = g.within("output", engine.Conv{Out: f.Out}, c)
		}
		g.path = g.path[:len(g.path)-1]
		if err != nil {
			return x, err
		}
	}
	if f.Pool {
		return g.concat(pooled, shape), nil
	}
	return top, nil
}

// enlarge repeats pixels up to the height and width of a shape: pixel i of n is
// pixel i·m/n, rounded down, of m.
func (g *graph) enlarge(x operand, to data.Shape) operand {
	x = g.first(x)
	name := x.name
	for axis := range 2 {
		from := make([]int, to[axis])
		for i := range from {
			from[i] = i * x.shape[axis] / to[axis]
		}
		name = g.apply("Gather", []string{name, g.ints(from...)}, attr{"axis", axis + 2})
	}
	return operand{name, to, to}
}
