//go:build !amd64

package kernel

import "unsafe"

var bf16Instructions = false

// tileArgs, its flags and the functions below stand in for those of processors
// with kernels; nothing calls them here.
type tileArgs struct {
	k, segs, rowA, colA, jump, rowC, flags int
	a, b, c, bias                          unsafe.Pointer
}

const (
	flagAdd  = 1
	flagReLU = 2
)

func pairRowsVectors(dst *uint32, src *float32, n int)     {}
func pairColumnsVectors(dst *uint32, a, b *float32, n int) {}
func pairTiles(p *tileArgs, m, n int)                      {}
