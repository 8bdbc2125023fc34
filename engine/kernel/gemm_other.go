//go:build !amd64

package kernel

import "unsafe"

func (g *Gemm) tiles(unsafe.Pointer) { g.generic() }
