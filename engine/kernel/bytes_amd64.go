package kernel

import "golang.org/x/sys/cpu"

var (
	hasFullDots = cpu.X86.HasAVX512VNNI
	hasHalfDots = cpu.X86.HasAVXVNNI
)

func widenBytes(dst *uint16, src *uint8, n int) { widenAVX2(dst, src, n) }

// run computes a tile.
func (d dots) run(mr, nv int, p *byteArgs) {
	switch d {
	case fullDots:
		byteTileAVX512(mr, nv, p)
	case halfDots:
		byteTileAVX2(mr, nv, p)
	case wordDots:
		wordTileAVX2(mr, nv, p)
	}
}
