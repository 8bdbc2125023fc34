package kernel

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// bf16Instructions reports whether the processor has AVX512_BF16.
var bf16Instructions = cpu.X86.HasAVX512BF16

func pairRowsVectors(dst *uint32, src *float32, n int) { pairRowsAVX512(dst, src, n) }

func pairColumnsVectors(dst *uint32, a, b *float32, n int) { pairColumnsAVX512(dst, a, b, n) }

// pairTiles covers m rows of a strip of C, n columns wide, with kernels.
func pairTiles(p *tileArgs, m, n int) {
	nv := (n + 15) / 16
	p.mask = 1<<n - 1
	parts := (m + 13) / 14
	mr := (m + parts - 1) / parts
	a, c := p.a, p.c
	for i := 0; i < m; i += mr {
		p.a, p.c = unsafe.Add(a, i*p.rowA), unsafe.Add(c, i*p.rowC)
		pairTile(min(mr, m-i), nv, p)
	}
}
