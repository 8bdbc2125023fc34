package pretrained

import (
	"fmt"

	"budwood/data"
	"budwood/engine"
)

// block is an inverted residual (Sandler et al. 2018): expand, a depthwise convolution, and
// back.
type block struct {
	kernel, expand, out int
	squeeze, hard       bool // squeeze-and-excite; hard swish in place of ReLU
	stride              int
}

// names of a block's layers in a file; "" for what it does not have.
type names struct{ expand, expandNorm, depth, depthNorm, reduce, restore, project, projectNorm string }

// inverted adds a block.
func (r *row) inverted(n names, channels int, b block, act engine.Layer, gate engine.Layer, eps float64) {
	body := func(r *row) {
		if n.expand != "" {
			r.conv(n.expand, channels, engine.Conv{Out: b.expand, Kernel: 1, NoBias: true})
			r.norm(n.expandNorm, b.expand, eps)
			r.add(act)
		}
		r.conv(n.depth, b.expand, engine.Conv{Out: b.expand, Kernel: b.kernel, Stride: b.stride, Groups: b.expand, NoBias: true})
		r.norm(n.depthNorm, b.expand, eps)
		r.add(act)
		if b.squeeze {
			hidden := r.shape(4, n.reduce+".weight")[0]
			r.put("1.weight", turned(r.take(n.reduce+".weight", hidden, b.expand, 1, 1), hidden, b.expand))
			r.put("1.bias", r.take(n.reduce+".bias", hidden))
			r.put("3.weight", turned(r.take(n.restore+".weight", b.expand, hidden, 1, 1), b.expand, hidden))
			r.put("3.bias", r.take(n.restore+".bias", b.expand))
			r.add(engine.SqueezeExcite{Hidden: hidden, Gate: gate})
		}
		r.conv(n.project, b.expand, engine.Conv{Out: b.out, Kernel: 1, NoBias: true})
		r.norm(n.projectNorm, b.out, eps)
	}
	if b.stride == 1 && channels == b.out {
		r.add(engine.Residual{Body: r.inner("body", body)})
		return
	}
	r.add(r.inner("", body))
}

// mobilenetV2 has torchvision's names or timm's (mobilenetv2_100).
func mobilenetV2(m *maker, in data.Shape) (engine.Seq, data.Shape) {
	r := &row{maker: m}
	_, timm := m.has("conv_stem.weight")
	stem, stemNorm, last, lastNorm, head := "features.0.0", "features.0.1", "features.18.0", "features.18.1", "classifier.1"
	if timm {
		stem, stemNorm, last, lastNorm, head = "conv_stem", "bn1", "conv_head", "bn2", "classifier"
	}
	r.conv(stem, in[2], engine.Conv{Out: 32, Kernel: 3, Stride: 2, NoBias: true})
	r.norm(stemNorm, 32, 0)
	r.add(engine.Clip{})
	channels, number := 32, 1
	for stage, s := range [][4]int{{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}} {
		for i := range s[2] {
			b := block{kernel: 3, expand: channels * s[0], out: s[1], stride: 1}
			if i == 0 {
				b.stride = s[3]
			}
			p := fmt.Sprintf("features.%d.conv.", number)
			n := names{expand: p + "0.0", expandNorm: p + "0.1", depth: p + "1.0", depthNorm: p + "1.1", project: p + "2", projectNorm: p + "3"}
			if s[0] == 1 {
				n = names{depth: p + "0.0", depthNorm: p + "0.1", project: p + "1", projectNorm: p + "2"}
			}
			if timm {
				n = timmBlock(stage, i, s[0] > 1)
			}
			r.inverted(n, channels, b, engine.Clip{}, nil, 0)
			channels = s[1]
			number++
		}
	}
	width := m.shape(4, last+".weight")[0]
	r.conv(last, channels, engine.Conv{Out: width, Kernel: 1, NoBias: true})
	r.norm(lastNorm, width, 0)
	r.add(engine.Clip{}, engine.GlobalAvgPool{}, engine.Dropout{P: .2})
	r.dense(head, width, m.shape(2, head+".weight")[0])
	return r.layers, in
}

// timmBlock are timm's names of a block that expands, or one that does not.
func timmBlock(stage, i int, expands bool) names {
	p := fmt.Sprintf("blocks.%d.%d.", stage, i)
	if !expands {
		return names{depth: p + "conv_dw", depthNorm: p + "bn1", reduce: p + "se.conv_reduce", restore: p + "se.conv_expand", project: p + "conv_pw", projectNorm: p + "bn2"}
	}
	return names{p + "conv_pw", p + "bn1", p + "conv_dw", p + "bn2", p + "se.conv_reduce", p + "se.conv_expand", p + "conv_pwl", p + "bn3"}
}

// The blocks of Howard et al. 2019, tables 1 and 2, by the stages that timm's names have.
var (
	large = [][]block{
		{{3, 16, 16, false, false, 1}},
		{{3, 64, 24, false, false, 2}, {3, 72, 24, false, false, 1}},
		{{5, 72, 40, true, false, 2}, {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1}},
		{{3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1}, {3, 184, 80, false, true, 1}, {3, 184, 80, false, true, 1}},
		{{3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1}},
		{{5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1}, {5, 960, 160, true, true, 1}},
	}
	small = [][]block{
		{{3, 16, 16, true, false, 2}},
		{{3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1}},
		{{5, 96, 40, true, true, 2}, {5, 240, 40, true, true, 1}, {5, 240, 40, true, true, 1}},
		{{5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1}},
		{{5, 288, 96, true, true, 2}, {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1}},
	}
)

// mobilenetV3 has torchvision's names (its norms have ε = 1e-3) or timm's
// (mobilenetv3_large_100, mobilenetv3_small_100; 1e-5).
func mobilenetV3(stages [][]block) architecture {
	return func(m *maker, in data.Shape) (engine.Seq, data.Shape) {
		r := &row{maker: m}
		_, timm := m.has("conv_stem.weight")
		eps := 1e-3
		count := 1
		for _, s := range stages {
			count += len(s)
		}
		stem, stemNorm := "features.0.0", "features.0.1"
		last, lastNorm := fmt.Sprintf("features.%d.0", count), fmt.Sprintf("features.%d.1", count)
		hidden, head := "classifier.0", "classifier.3"
		if timm {
			eps = 0
			stem, stemNorm, hidden, head = "conv_stem", "bn1", "conv_head", "classifier"
			last, lastNorm = fmt.Sprintf("blocks.%d.0.conv", len(stages)), fmt.Sprintf("blocks.%d.0.bn1", len(stages))
		}
		r.conv(stem, in[2], engine.Conv{Out: 16, Kernel: 3, Stride: 2, NoBias: true})
		r.norm(stemNorm, 16, eps)
		r.add(engine.HardSwish{})
		channels, number := 16, 1
		for stage, blocks := range stages {
			for i, b := range blocks {
				expands := b.expand != channels
				p, at := fmt.Sprintf("features.%d.block.", number), 0
				part := func(what string) string {
					at++
					return fmt.Sprintf("%s%d%s", p, at-1, what)
				}
				var n names
				if expands {
					e := part("")
					n.expand, n.expandNorm = e+".0", e+".1"
				}
				d := part("")
				n.depth, n.depthNorm = d+".0", d+".1"
				if b.squeeze {
					s := part("")
					n.reduce, n.restore = s+".fc1", s+".fc2"
				}
				q := part("")
				n.project, n.projectNorm = q+".0", q+".1"
				if timm {
					n = timmBlock(stage, i, expands)
				}
				var act engine.Layer = engine.ReLU{}
				if b.hard {
					act = engine.HardSwish{}
				}
				r.inverted(n, channels, b, act, engine.HardSigmoid{}, eps)
				channels = b.out
				number++
			}
		}
		width := 6 * channels
		r.conv(last, channels, engine.Conv{Out: width, Kernel: 1, NoBias: true})
		r.norm(lastNorm, width, eps)
		r.add(engine.HardSwish{}, engine.GlobalAvgPool{})
		if timm { // a 1×1 convolution of one pixel
			wide := m.shape(4, hidden+".weight")[0]
			r.put("weight", turned(r.take(hidden+".weight", wide, width, 1, 1), wide, width))
			r.put("bias", r.take(hidden+".bias", wide))
			r.add(engine.Dense{Out: wide}, engine.HardSwish{}, engine.Dropout{P: .2})
			r.dense(head, wide, m.shape(2, head+".weight")[0])
			return r.layers, in
		}
		wide := m.shape(2, hidden+".weight")[0]
		r.dense(hidden, width, wide)
		r.add(engine.HardSwish{}, engine.Dropout{P: .2})
		r.dense(head, wide, m.shape(2, head+".weight")[0])
		return r.layers, in
	}
}
