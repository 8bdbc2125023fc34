package engine

import (
	"fmt"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine/internal/plan"
)

// Cell is a directed graph of a few nodes. Node 0 is the input; each later node
// is the sum of the edges that lead to it, and the last one is the output. It is
// what cell-based architecture search draws (Liu et al. 2019, figure 1; Dong &
// Yang 2020). Where edges into a node differ in shape they meet through the
// projections of [Par].
type Cell struct {
	Nodes int    // at least 2
	Edges []Edge // every node but the last is left by one at least, every node but the first reached by one
}

// Edge leads from one node of a [Cell] to a later one. An empty body is the node
// itself.
type Edge struct {
	From, To int
	Body     Seq
}

// Infer gives the shape of the last node.
func (c Cell) Infer(in data.Shape) (data.Shape, error) {
	shapes, err := c.shapes(in)
	if err != nil {
		return nil, err
	}
	return shapes[c.Nodes-1], nil
}

// shapes are those of the nodes.
func (c Cell) shapes(in data.Shape) ([]data.Shape, error) {
	if err := sized(c, "nodes", c.Nodes, 2); err != nil {
		return nil, err
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	shapes := make([]data.Shape, c.Nodes)
	shapes[0] = in
	for node := 1; node < c.Nodes; node++ {
		var of []data.Shape
		var bodies []Seq
		for i, e := range c.Edges {
			if e.To != node {
				continue
			}
			s, err := e.Body.Infer(shapes[e.From])
			if err != nil {
				return nil, fmt.Errorf("Cell: edge %d from node %d to %d: %w", i, e.From, e.To, err)
			}
			of, bodies = append(of, s), append(bodies, e.Body)
		}
		shapes[node] = meeting(of, bodies)
		for _, s := range of {
			if _, err := Projection(s, shapes[node]); err != nil {
				return nil, fmt.Errorf("Cell: node %d: %w", node, err)
			}
		}
	}
	return shapes, nil
}

// check reports whether the edges make a graph in which every node counts.
func (c Cell) check() error {
	left, reached := make([]bool, c.Nodes), make([]bool, c.Nodes)
	for i, e := range c.Edges {
		if e.From < 0 || e.To <= e.From || e.To >= c.Nodes {
			return fmt.Errorf("Cell: edge %d leads from node %d to %d of %d: an edge leads to a later node", i, e.From, e.To, c.Nodes)
		}
		left[e.From], reached[e.To] = true, true
	}
	for i := range c.Nodes {
		if !reached[i] && i > 0 || !left[i] && i < c.Nodes-1 {
			return fmt.Errorf("Cell: node %d of %d is not connected", i, c.Nodes)
		}
	}
	return nil
}

// String is Cell(nodes)[from→to body | …].
func (c Cell) String() string {
	edges := make([]string, len(c.Edges))
	for i, e := range c.Edges {
		edges[i] = fmt.Sprintf("%d→%d %v", e.From, e.To, e.Body)
	}
	return c.name() + "[" + strings.Join(edges, " | ") + "]"
}

func (c Cell) name() string { return fmt.Sprintf("Cell(%d)", c.Nodes) }

func (c Cell) build(b *plan.Builder, x plan.Tensor) plan.Tensor {
	own := b.Layer(title(c.name()), x.Shape, 0)
	shapes, err := c.shapes(x.Shape)
	if err != nil {
		return x
	}
	readers := make([]int, c.Nodes) // edges that are still to be built
	for _, e := range c.Edges {
		readers[e.From]++
	}
	nodes := make([]plan.Tensor, c.Nodes)
	nodes[0] = x
	for node := 1; node < c.Nodes; node++ {
		var parts []plan.Tensor
		for i, e := range c.Edges {
			if e.To != node {
				continue
			}
			into := nodes[e.From]
			into.Need = plan.NeedValues
			if readers[e.From]--; readers[e.From] > 0 { // the last reader writes the node's gradient, the others add to it
				into = b.Split(into)
			}
			b.Within(strconv.Itoa(i), func() {
				part := e.Body.build(b, into)
				if l, err := Projection(part.Shape, shapes[node]); err == nil && l != nil {
					b.Within("projection", func() { part = l.build(b, part) })
				}
				parts = append(parts, part)
			})
		}
		b.At = own
		nodes[node] = b.Sum(parts)
	}
	b.Rows[own].Out = shapes[c.Nodes-1]
	return nodes[c.Nodes-1]
}

// Shapes are those of the nodes of a cell, from the input to the output.
func (c Cell) Shapes(in data.Shape) ([]data.Shape, error) { return c.shapes(in) }
