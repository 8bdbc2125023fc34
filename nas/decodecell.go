package nas

import (
	"errors"

	"budwood/data"
	"budwood/engine"
)

// decodeCell decodes a cell. Edges that carry nothing drop out, and with them
// the nodes that nothing reaches or that lead nowhere. What is left is layers in
// a row where it is a chain, else an [engine.Cell].
func decodeCell(n *node, in data.Shape, to *engine.Seq) (data.Shape, error) {
	nodes := cellNodes(len(n.kids))
	alive, shapes := make([]bool, nodes), make([]data.Shape, nodes)
	alive[0], shapes[0] = true, in
	var edges []engine.Edge
	k := 0
	for to := 1; to < nodes; to++ {
		for from := range to {
			edge := &n.kids[k]
			k++
			if !alive[from] {
				continue
			}
			var body engine.Seq
			_, err := decode(edge, shapes[from], &body)
			if errors.Is(err, ErrDead) {
				continue
			}
			if err != nil {
				return nil, err
			}
			edges, alive[to] = append(edges, engine.Edge{From: from, To: to, Body: body}), true
		}
		if !alive[to] {
			continue
		}
		var err error
		var passed engine.Seq
		if shapes[to], err = layOutCell(connected(edges, to+1), in, &passed); err != nil {
			return nil, err
		}
	}
	if !alive[nodes-1] {
		return nil, ErrDead
	}
	return layOutCell(connected(edges, nodes), in, to)
}

// connected are the edges that lie on a way to the last node.
func connected(edges []engine.Edge, nodes int) []engine.Edge {
	leads := make([]bool, nodes)
	leads[nodes-1] = true
	var out []engine.Edge
	for i := len(edges) - 1; i >= 0; i-- { // an edge's end comes later than its start
		if leads[edges[i].To] {
			leads[edges[i].From] = true
		}
	}
	number := make([]int, nodes) // of the nodes that are left
	count := 0
	for i := range nodes {
		if leads[i] {
			number[i] = count
			count++
		}
	}
	for _, e := range edges {
		if leads[e.To] {
			out = append(out, engine.Edge{From: number[e.From], To: number[e.To], Body: e.Body})
		}
	}
	return out
}

func layOutCell(edges []engine.Edge, in data.Shape, to *engine.Seq) (data.Shape, error) {
	nodes := edges[len(edges)-1].To + 1
	if len(edges) == nodes-1 { // a chain
		for _, e := range edges {
			var err error
			if in, err = e.Body.Infer(in); err != nil {
				return nil, err
			}
			*to = append(*to, e.Body...)
		}
		return in, nil
	}
	c := engine.Cell{Nodes: nodes, Edges: edges}
	out, err := c.Infer(in)
	if err == nil {
		*to = append(*to, c)
	}
	return out, err
}
