package quant

import (
	"cmp"

	"budwood/data"
	"budwood/engine"
)

// image is a shape as {height, width, channels}.
func image(s data.Shape) (h, w, c int) {
	if len(s) == 2 {
		return 1, s[0], s[1]
	}
	return s[0], s[1], s[2]
}

func convolution(in, out data.Shape, l engine.Conv) (g geometry) {
	g.h, g.w, g.c = image(in)
	g.oh, g.ow, g.oc = image(out)
	k := cmp.Or(l.Kernel, 3)
	g.kh, g.kw, g.strideH, g.strideW, g.dilation, g.groups = k, k, cmp.Or(l.Stride, 1), cmp.Or(l.Stride, 1), 1, cmp.Or(l.Groups, 1)
	if !l.Valid {
		g.top, g.left = (k-1)/2, (k-1)/2
	}
	g.ph, g.pw = max(g.top+g.h, (g.oh-1)*g.strideH+k), max(g.left+g.w, (g.ow-1)*g.strideW+k)
	return g
}

func convolution1D(in, out data.Shape, l engine.Conv1D) (g geometry) {
	g.h, g.w, g.c = image(in)
	g.oh, g.ow, g.oc = image(out)
	g.kh, g.kw, g.strideH, g.strideW, g.dilation, g.groups = 1, cmp.Or(l.Kernel, 3), 1, cmp.Or(l.Stride, 1), cmp.Or(l.Dilation, 1), cmp.Or(l.Groups, 1)
	span := (g.kw-1)*g.dilation + 1
	switch {
	case l.Causal:
		g.left = span - 1
	case !l.Valid:
		g.left = max((g.ow-1)*g.strideW+span-g.w, 0) / 2
	}
	g.ph, g.pw = 1, max(g.left+g.w, (g.ow-1)*g.strideW+span)
	return g
}

// pooling is windows that do not overlap.
func pooling(in, out data.Shape, size int) (g geometry) {
	g.h, g.w, g.c = image(in)
	g.oh, g.ow, g.oc = image(out)
	n := cmp.Or(size, 2)
	g.kh, g.kw, g.strideH, g.strideW = n, n, n, n
	if len(in) == 2 {
		g.kh, g.strideH = 1, 1
	}
	return g
}
