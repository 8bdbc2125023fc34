//go:build !amd64

package kernel

func (g *Gemm) tiles() { g.generic() }
