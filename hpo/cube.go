package hpo

import (
	"math"

	"budwood/search"
)

// cube maps the points of a space to vectors in [0,1]^D, a coordinate for each
// parameter of each branch; NaN stands where a parameter does not exist.
type cube struct {
	space  search.Space
	dims   []*search.Dim
	always []bool // the parameter is in every branch
	tree   []node
	index  map[string]int // coordinate of a parameter
	warps  []warp         // of the coordinates, nil if none is bent
}

// node is a parameter and what depends on it.
type node struct {
	i       int // coordinate
	d       *search.Dim
	options [][]node
}

func newCube(s search.Space) *cube {
	c := &cube{space: s, dims: s.Dims(), index: map[string]int{}}
	for i, d := range c.dims {
		c.index[d.Name] = i
	}
	c.tree = c.nodes(s)
	c.always = make([]bool, len(c.dims))
	for _, n := range c.tree {
		c.always[n.i] = true
	}
	return c
}

func (c *cube) nodes(s search.Space) []node {
	out := make([]node, len(s))
	for k, p := range s {
		d := p.Dim()
		out[k] = node{i: c.index[d.Name], d: d}
		for _, o := range d.Options {
			out[k].options = append(out[k].options, c.nodes(o.Space))
		}
	}
	return out
}

// encode writes the coordinates of a point into x. A value that does not belong
// to the space, as after the space was changed, counts as not there.
func (c *cube) encode(p search.Params, x []float64) {
	for i := range x {
		x[i] = math.NaN()
	}
	encode(c.tree, p, x)
	if c.warps != nil {
		for i, u := range x {
			x[i] = c.bend(i, u)
		}
	}
}

// vector is encode into a new vector.
func (c *cube) vector(p search.Params) []float64 {
	x := make([]float64, len(c.dims))
	c.encode(p, x)
	return x
}

func encode(nodes []node, p search.Params, x []float64) {
	for _, n := range nodes {
		v, ok := p[n.d.Name]
		if !ok {
			v = n.d.Default // the parameter was added since, or does not exist here
		}
		if v == nil {
			continue
		}
		if n.d.Kind == search.KindChoice {
			if o := n.d.Index(v); o >= 0 {
				x[n.i] = (float64(o) + .5) / float64(len(n.d.Options))
				encode(n.options[o], p, x)
			}
			continue
		}
		if u, err := n.d.Encode(v); err == nil {
			x[n.i] = u
		}
	}
}

// fill builds a vector: it asks for the coordinate of each parameter that
// exists, given those before.
func (c *cube) fill(x []float64, coordinate func(i int) float64) {
	for i := range x {
		x[i] = math.NaN()
	}
	fill(c.tree, x, coordinate)
}

func fill(nodes []node, x []float64, coordinate func(i int) float64) {
	for _, n := range nodes {
		x[n.i] = coordinate(n.i)
		if n.options != nil {
			fill(n.options[cell(x[n.i], len(n.options))], x, coordinate)
		}
	}
}

// decode is the point of a vector.
func (c *cube) decode(x []float64) search.Params {
	return c.space.Fill(func(d *search.Dim) any {
		i := c.index[d.Name]
		return d.Decode(c.even(i, x[i]))
	})
}

// cell is the number of the one of n equal cells of [0,1] that holds u.
func cell(u float64, n int) int { return min(int(u*float64(n)), n-1) }
