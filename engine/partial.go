package engine

import (
	"math/bits"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
)

// partial is a product of matrices whose inner dimension is cut into
// parts: the tree sum of what the parts come to. A plan of one part has one of the
// products, and the ranks add theirs up; a plan of all parts computes them in turn.
type partial struct {
	products []kernel.Gemm
	at       []int                // where each one's stretch of the inner dimension begins
	held     []*plan.Block        // sums that wait for the other half of their tree
	before   func(part, rows int) // readies the operands of a product; nil for those that lie ready
	sum      func(x []float32)    // of the ranks

	places [][]float32 // of the sums: the result, then held
}

// newPartial readies the parts of a cut: product is that of a stretch of the inner
// dimension. The result has values floats.
func newPartial(b *plan.Builder, c *plan.Cut, values int64, product func(s plan.Span) kernel.Gemm) *partial {
	q := &partial{sum: b.Cuts.Sum}
	if own := b.Own(c); own != nil {
		q.products, q.at = []kernel.Gemm{product(plan.Span{To: plan.Length(own)})}, []int{0}
		return q
	}
	for _, s := range c.Spans {
		q.products, q.at = append(q.products, product(s[0])), append(q.at, s[0].From)
	}
	q.held = hold(b, values)
	return q
}

// hold makes the blocks that [treeSum] over the parts needs.
func hold(b *plan.Builder, values int64) (held []*plan.Block) {
	for range bits.Len(uint(b.Cuts.Parts)) - 1 {
		held = append(held, b.Scratch(values))
	}
	return held
}

// floats are the memory of blocks behind that of the first sum.
func floats(first []float32, blocks []*plan.Block) [][]float32 {
	out := [][]float32{first}
	for _, b := range blocks {
		out = append(out, b.Floats)
	}
	return out
}

// treeSum computes parts in turn and adds them up in the tree over them. The sum of n
// values ends up in the first of places.
func treeSum(parts, n int, places [][]float32, part func(k int, to []float32)) {
	top := 0
	for k := range parts {
		part(k, places[top][:n])
		for range mesh.Merges(parts, mesh.Span{To: parts}, k) {
			kernel.Add(places[top-1][:n], places[top][:n])
			top--
		}
		top++
	}
}

// packSize is the scratch that the products need; nil needs none.
func (q *partial) packSize() (n int64) {
	if q == nil {
		return 0
	}
	for i := range q.products {
		n = max(n, int64(q.products[i].PackSize()))
	}
	return n
}

// blocks are the blocks of the sums; nil has none.
func (q *partial) blocks() []*plan.Block {
	if q == nil {
		return nil
	}
	return q.held
}

// bind gives the products their result and their scratch.
func (q *partial) bind(y []float32, scratch *plan.Block) {
	for i := range q.products {
		q.products[i].Pack = scratch.Floats[:q.products[i].PackSize()]
	}
	q.places = floats(y, q.held)
}

// run computes so many rows of the sum.
func (q *partial) run(rows int) {
	n := rows * q.products[0].N
	treeSum(len(q.products), n, q.places, func(k int, to []float32) {
		if q.before != nil {
			q.before(k, rows)
		}
		g := &q.products[k]
		g.M, g.C = rows, to
		g.Run()
	})
	if q.sum != nil {
		q.sum(q.places[0][:n])
	}
}
