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
	g.windows(l.Windows(in))
	g.groups = cmp.Or(l.Groups, 1)
	return g
}

func convolution1D(in, out data.Shape, l engine.Conv1D) (g geometry) {
	g.h, g.w, g.c = image(in)
	g.oh, g.ow, g.oc = image(out)
	g.windows(engine.Window{In: 1, Out: 1, Size: 1, Stride: 1, Dilation: 1}, l.Window(in))
	g.groups = cmp.Or(l.Groups, 1)
	return g
}

// windows takes over what windows there are.
func (g *geometry) windows(rows, columns engine.Window) {
	g.kh, g.strideH, g.top, g.ph = rows.Size, rows.Stride, rows.Before, rows.Before+rows.In+rows.After
	g.kw, g.strideW, g.left, g.pw = columns.Size, columns.Stride, columns.Before, columns.Before+columns.In+columns.After
	g.dilation = columns.Dilation
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
