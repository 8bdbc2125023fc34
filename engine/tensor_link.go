package engine

import (
	"cmp"
	"fmt"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// tensorLink is how one lane of a rank adds up with the lanes of the other parts. An
// error ends the link; after it nothing is added any more, and what is computed is of
// no use.
type tensorLink struct {
	link  mesh.Link
	group *mesh.Group
	sums  [1][]float32
	few   [1][]float64
	err   error

	first, parts, stream int
}

// newTensorLink joins the ranks of the parts of a stage that have the same data, from the
// first one on, on a stream of the link.
func newTensorLink(link mesh.Link, first, parts, stream int) (*tensorLink, error) {
	m := mesh.Members{Name: "tensor", Stream: stream, Add: kernel.Add}
	for part := range parts {
		m.Ranks = append(m.Ranks, first+part)
	}
	g, err := mesh.NewGroup(link, m)
	if err != nil {
		return nil, fmt.Errorf("mesh: tensor: %w", err)
	}
	return &tensorLink{link: link, group: g, first: first, parts: parts, stream: stream}, nil
}

// another is such a link for another lane.
func (l *tensorLink) another(lane int) *tensorLink {
	next, err := newTensorLink(l.link, l.first, l.parts, l.stream+lane)
	if err != nil { // the first had none
		panic(err)
	}
	return next
}

// cuts is for the own part of a network that is cut so, with the sums of the link.
func (l *tensorLink) cuts(c *plan.Cuts) *plan.Cuts {
	own := *c
	own.Part = l.group.Member()
	own.Sum, own.Sum64 = l.sum, l.sum64
	return &own
}

func (l *tensorLink) sum(x []float32) {
	if l.err == nil {
		l.sums[0] = x
		l.fail(l.group.AllReduce(l.sums[:]))
	}
}

func (l *tensorLink) sum64(x []float64) {
	if l.err == nil {
		l.few[0] = x
		l.fail(l.group.Sum64(l.few[:]))
	}
}

// fail ends the link with an error: no other rank shall wait for this one.
func (l *tensorLink) fail(err error) {
	if err != nil {
		l.err = cmp.Or(l.err, err)
		l.link.Close(err)
	}
}
