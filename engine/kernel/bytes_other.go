//go:build !amd64

package kernel

const hasFullDots, hasHalfDots = false, false

func widenBytes(dst *uint16, src *uint8, n int) {}

func (d dots) run(mr, nv int, p *byteArgs) {}
