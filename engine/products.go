package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
)

// packSize is the scratch that products need which run one after the other.
func packSize(products ...*kernel.Gemm) (n int64) {
	for _, g := range products {
		n = max(n, int64(g.PackSize()))
	}
	return n
}

// pack gives products that run one after the other their common scratch.
func pack(scratch *plan.Block, products ...*kernel.Gemm) {
	if scratch.Last == plan.Never { // these products never run
		return
	}
	for _, g := range products {
		g.Pack = scratch.Floats[:g.PackSize()]
	}
}
