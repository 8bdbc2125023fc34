package onnx

import (
	"fmt"
	"math"

	"budwood/data"
)

// prepare adds what turns a raw row into the network's input.
func (g *graph) prepare(p *data.Preparation, x *operand) error {
	switch {
	case p.Vocabulary != nil:
		return nil // rows are characters' numbers already
	case p.Pixels != nil:
		x.name = g.numbers(*p.Pixels, x.name)
		return nil
	}
	var blocks []string
	width := 0
	for i, c := range p.Columns {
		v := g.apply("Gather", []string{x.name, g.ints(i)}, attr{"axis", 1})
		if c.Kind == data.Categorical {
			blocks = append(blocks, g.category(c, v))
			width += len(c.Table[0])
			continue
		}
		if c.Words != nil {
			return fmt.Errorf("column %q: text has no form in ONNX; leave the column out, or export without the preparation", c.Name)
		}
		if c.Number.Encoding == data.Quantile {
			return fmt.Errorf("column %q: the encoding quantile has no form in ONNX; use another one for numeric columns, or export without the preparation", c.Name)
		}
		blocks = append(blocks, g.numbers(c.Number, v))
		if c.Missing {
			blocks = append(blocks, g.apply("Cast", []string{g.apply("IsNaN", []string{v})}, attr{"to", float32Type}))
			width++
		}
		width += c.Number.Width()
	}
	shape := data.Shape{width}
	y := g.apply("Concat", blocks, attr{"axis", 1})
	if width != x.shape.Size() {
		return fmt.Errorf("the data gives %d values, the network takes %v", width, x.shape)
	}
	if !shape.Equal(x.shape) {
		y = g.reshape(y, x.shape...)
	}
	x.name = y
	return nil
}

// numbers encodes numbers, of which NaN becomes 0.
func (g *graph) numbers(n data.Number, v string) string {
	limit := func(x string, lo, hi float64) string {
		return g.apply("Clip", []string{x, g.number(lo), g.number(hi)})
	}
	z := g.apply("Mul", []string{g.apply("Sub", []string{v, g.number(n.Mean)}), g.number(n.Scale)})
	z = limit(z, -data.MaxScore, data.MaxScore)
	switch n.Encoding {
	case data.Robust:
		square := g.apply("Div", []string{g.apply("Mul", []string{z, z}), g.number(9)})
		z = g.apply("Div", []string{z, g.apply("Sqrt", []string{g.apply("Add", []string{square, g.number(1)})})})
	case data.Piecewise:
		if bins := len(n.Edges) - 1; bins > 0 {
			lo, by := make([]float32, bins), make([]float32, bins)
			for i := range bins {
				lo[i], by[i] = float32(n.Edges[i]), float32(1/(n.Edges[i+1]-n.Edges[i]))
			}
			reach := g.apply("Mul", []string{g.apply("Sub", []string{v, g.floats(lo, 1, bins)}), g.floats(by, 1, bins)})
			z = g.apply("Concat", []string{z, g.apply("Sub", []string{limit(reach, 0, 1), g.number(.5)})}, attr{"axis", 1})
		}
	}
	return g.apply("Where", []string{g.apply("IsNaN", []string{v}), g.number(0), z})
}

// category looks up what a category becomes: rows of the table are levels, a
// missing value, and any other.
func (g *graph) category(c data.Prepared, v string) string {
	rows, width := len(c.Table), len(c.Table[0])
	var table []float32
	for _, r := range c.Table {
		table = append(table, r...)
	}
	absent := g.number(float64(rows - 2))
	v = g.apply("Where", []string{g.apply("IsNaN", []string{v}), absent, v})
	known := g.apply("And", []string{
		g.apply("GreaterOrEqual", []string{v, g.number(0)}), g.apply("LessOrEqual", []string{v, absent})})
	v = g.apply("Where", []string{known, v, g.number(float64(rows - 1))})
	index := g.apply("Cast", []string{v}, attr{"to", int64Type})
	return g.reshape(g.apply("Gather", []string{g.floats(table, rows, width), index}), width)
}

// unscale brings the output of a regression to the target's unit.
func (g *graph) unscale(p *data.Preparation, y string) string {
	if len(p.Classes) > 0 || p.TargetScale == 0 || math.IsNaN(p.TargetScale) {
		return y
	}
	return g.apply("Add", []string{g.apply("Mul", []string{y, g.number(p.TargetScale)}), g.number(p.TargetMean)})
}
