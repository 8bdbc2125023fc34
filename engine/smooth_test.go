package engine

import (
	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine/kernel"
)

// smooth is every layer that has a derivative everywhere, at random sizes.
var smooth = []struct {
	name   string
	draw   func(*rapid.T) (Layer, data.Shape)
	rows   int // at least one more
	tokens int // inputs are tokens below it

	prepare func(*probe)
}{
	{name: "dense", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Dense{Out: upTo(t, 40), NoBias: flip(t)}, anyShape(t)
	}},
	{name: "dense per step", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Dense{Out: upTo(t, 40), NoBias: flip(t), PerStep: true}, anyShape(t)
	}},
	{name: "conv", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Conv{Out: upTo(t, 20), Kernel: upTo(t, 7), Stride: upTo(t, 3), NoBias: flip(t)}, pictures(t, upTo(t, 7))
	}},
	{name: "conv of any window", draw: func(t *rapid.T) (Layer, data.Shape) {
		c := Conv{
			Kernel: upTo(t, 4), Stride: upTo(t, 3), Dilation: upTo(t, 3), NoBias: flip(t), Columns: Along{Size: upTo(t, 4), Stride: upTo(t, 3), Dilation: upTo(t, 3)},
			Pad: Pad{Top: upTo(t, 4) - 1, Left: upTo(t, 4) - 1, Bottom: upTo(t, 4) - 1, Right: upTo(t, 4) - 1},
		}
		switch upTo(t, 4) {
		case 1:
			c.Dilation, c.Columns.Dilation, c.Stride, c.Columns.Stride = 1, 1, 1, 1
		case 2:
			c.Pad = Pad{}
		case 3:
			c.Dilation, c.Columns.Dilation = 1, 1
		}
		each := upTo(t, 5)
		c.Groups, c.Out = 1, upTo(t, 20)
		switch upTo(t, 3) {
		case 1:
			c.Groups = upTo(t, 3)
			c.Out = c.Groups * upTo(t, 3)
			each *= c.Groups
		case 2:
			c.Groups, c.Out = each, each
		}
		in := pictures(t, each)
		in[0], in[1] = in[0]+9, in[1]+9
		return c, in
	}},
	{name: "conv 1-d, padded", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Conv1D{Out: upTo(t, 9), Kernel: upTo(t, 4), Stride: upTo(t, 2), Dilation: upTo(t, 2), Before: upTo(t, 7) - 1, After: upTo(t, 7) - 1}, data.Shape{7 + upTo(t, 5), upTo(t, 5)}
	}},
	{name: "conv valid", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 7))
		return Conv{Out: upTo(t, 20), Kernel: upTo(t, min(in[0], in[1])), Stride: upTo(t, 2), Valid: true}, in
	}},
	{name: "conv groups", draw: func(t *rapid.T) (Layer, data.Shape) {
		groups := upTo(t, 4)
		return Conv{Out: groups * upTo(t, 3), Kernel: upTo(t, 4), Stride: upTo(t, 2), Groups: groups}, pictures(t, groups*upTo(t, 3))
	}},
	{name: "conv depthwise", draw: func(t *rapid.T) (Layer, data.Shape) {
		c := upTo(t, 20)
		return Conv{Out: c, Kernel: upTo(t, 4), Stride: upTo(t, 2), Groups: c, NoBias: flip(t)}, pictures(t, c)
	}},
	{name: "conv 1-d", draw: func(t *rapid.T) (Layer, data.Shape) {
		groups := upTo(t, 3)
		return Conv1D{
			Out: groups * upTo(t, 9), Kernel: upTo(t, 5), Stride: upTo(t, 3), Dilation: upTo(t, 3), Groups: groups, Causal: flip(t), NoBias: flip(t),
		}, data.Shape{upTo(t, 12), groups * upTo(t, 5)}
	}},
	{name: "conv 1-d valid", draw: func(t *rapid.T) (Layer, data.Shape) {
		k, d := upTo(t, 4), upTo(t, 3)
		return Conv1D{Out: upTo(t, 20), Kernel: k, Stride: upTo(t, 3), Dilation: d, Valid: true}, data.Shape{(k-1)*d + upTo(t, 9), upTo(t, 7)}
	}},
	{name: "conv 1-d depthwise", draw: func(t *rapid.T) (Layer, data.Shape) {
		c := upTo(t, 20)
		return Conv1D{Out: c, Kernel: upTo(t, 4), Stride: upTo(t, 2), Dilation: upTo(t, 2), Groups: c, Causal: flip(t)}, data.Shape{upTo(t, 9), c}
	}},
	// Norms of few numbers have large derivatives, which differences miss.
	{name: "batch norm", rows: 12, draw: func(t *rapid.T) (Layer, data.Shape) {
		return BatchNorm{Eps: rapid.SampledFrom([]float64{0, .01}).Draw(t, "eps")}, anyShape(t)
	}},
	{name: "layer norm", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := anyShape(t)
		in[len(in)-1] += 7
		return LayerNorm{Eps: rapid.SampledFrom([]float64{0, .01}).Draw(t, "eps")}, in
	}},
	{name: "layer norm of more features", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := anyShape(t)
		in[len(in)-1] += 7 + rapid.SampledFrom([]int{0, 8}).Draw(t, "more")
		return LayerNorm{Of: in[len(in)-1] + upTo(t, 9)}, in
	}},
	{name: "group norm of more channels", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := anyShape(t)
		groups, each := upTo(t, 3), 7+upTo(t, 9)
		in[len(in)-1] = groups * each
		return GroupNorm{Groups: groups, Of: each + upTo(t, 9)}, in
	}},
	{name: "group norm", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := anyShape(t)
		groups := upTo(t, 3)
		in[len(in)-1] = groups * (7 + upTo(t, 9))
		if flip(t) {
			groups = 0
			in = append(data.Shape{8}, in...)[:min(len(in)+1, 3)]
		}
		return GroupNorm{Groups: groups, Eps: rapid.SampledFrom([]float64{0, .01}).Draw(t, "eps")}, in
	}},
	{name: "average pool of steps", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := steps(t, upTo(t, 7))
		return AvgPool{Size: upTo(t, in[0])}, in
	}},
	{name: "average pool", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 7))
		return AvgPool{Size: upTo(t, min(in[0], in[1]))}, in
	}},
	{name: "global average", draw: func(t *rapid.T) (Layer, data.Shape) { return GlobalAvgPool{}, placed(t) }},
	{name: "last step", draw: func(t *rapid.T) (Layer, data.Shape) { return LastStep{}, steps(t, upTo(t, 9)) }},
	{name: "dropout", draw: func(t *rapid.T) (Layer, data.Shape) { return Dropout{P: 0.3}, anyShape(t) }},
	{name: "flatten", draw: func(t *rapid.T) (Layer, data.Shape) { return Flatten{}, anyShape(t) }},
	{name: "reshape", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 7))
		return Reshape{To: data.Shape{in[0], in[1] * in[2]}}, in
	}},
	{name: "activation", draw: func(t *rapid.T) (Layer, data.Shape) {
		return rapid.SampledFrom([]Layer{GELU{}, SiLU{}, Tanh{}, Sigmoid{}}).Draw(t, "activation"), anyShape(t)
	}},
	{name: "embedding", tokens: 11, draw: func(t *rapid.T) (Layer, data.Shape) {
		return Embedding{Vocab: 11, Out: upTo(t, 20)}, data.Shape{upTo(t, 9)}
	}},
	{name: "positional", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Seq{Dense{Out: 3, PerStep: true}, Positional{Learned: flip(t)}, Tanh{}, Positional{Learned: flip(t)}}, steps(t, upTo(t, 9))
	}},
	{name: "class token", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Seq{Tanh{}, ClassToken{}, Tanh{}}, steps(t, upTo(t, 9))
	}},
	{name: "attention", draw: func(t *rapid.T) (Layer, data.Shape) {
		heads := upTo(t, 4)
		return Attention{Heads: heads, Causal: flip(t), NoBias: flip(t)}, steps(t, heads*upTo(t, 6))
	}},
	{name: "attention, head size", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Attention{Heads: upTo(t, 4), HeadSize: upTo(t, 9), Causal: flip(t), NoBias: flip(t)}, steps(t, upTo(t, 12))
	}},
	{name: "transformer", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Transformer{Heads: 2, Hidden: upTo(t, 20), Causal: flip(t), PostNorm: flip(t), Dropout: 0.2}, steps(t, 8+2*upTo(t, 3))
	}},
	{name: "gru", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Seq{Tanh{}, GRU{Out: upTo(t, 20)}, Tanh{}}, steps(t, upTo(t, 9))
	}},
	{name: "gru, last", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Seq{GRU{Out: upTo(t, 20)}, GRU{Out: upTo(t, 20)}, LastStep{}}, steps(t, upTo(t, 9))
	}},
	{name: "upsample", draw: func(t *rapid.T) (Layer, data.Shape) {
		return rapid.SampledFrom([]Layer{Upsample{Size: upTo(t, 3)}, Upsample{Height: 13, Width: 11}}).Draw(t, "size"), pictures(t, upTo(t, 7))
	}},
	{name: "feature pyramid", draw: func(t *rapid.T) (Layer, data.Shape) {
		stage := rapid.SampledFrom([]Seq{
			{}, {Tanh{}}, {Conv{Out: upTo(t, 6), Stride: 2}, Tanh{}}, {Conv{Out: upTo(t, 6)}}, {Residual{Seq{Conv{Out: 3, Stride: 3}}}, Tanh{}},
		})
		return Seq{Tanh{}, FPN{Stages: rapid.SliceOfN(stage, 1, 4).Draw(t, "stages"), Out: upTo(t, 6), Pool: flip(t)}, Tanh{}}, pictures(t, upTo(t, 5))
	}},
	{name: "squeeze-excite", prepare: awayFromZero, draw: func(t *rapid.T) (Layer, data.Shape) {
		return Seq{Tanh{}, SqueezeExcite{Ratio: upTo(t, 3), Hidden: upTo(t, 6) - 1}, Tanh{}}, placed(t)
	}},
	{name: "residual", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 6))
		return Residual{rapid.SampledFrom([]Seq{
			{},
			{Dense{Out: upTo(t, 20)}, GELU{}},
			{Tanh{}, Conv{Out: in[2]}},
			{Conv{Out: upTo(t, 9), Stride: 2}, SiLU{}, Conv{Out: upTo(t, 9)}},
			{Residual{Seq{Tanh{}, Residual{Seq{Conv{Out: 3}, Tanh{}}}}}, Sigmoid{}},
			{Conv{Out: 6}, Flatten{}, Dense{Out: 5}},
		}).Draw(t, "body")}, in
	}},
	{name: "residual of steps", draw: func(t *rapid.T) (Layer, data.Shape) {
		return Residual{Seq{Conv1D{Out: upTo(t, 9), Stride: upTo(t, 2)}, Tanh{}}}, steps(t, upTo(t, 9))
	}},
	{name: "par", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 6))
		branch := rapid.SampledFrom([]Seq{
			{}, {Tanh{}}, {Conv{Out: in[2]}}, {Conv{Out: upTo(t, 9), Kernel: 1}, Tanh{}}, {AvgPool{Size: 1}},
			{Conv{Out: upTo(t, 5), Stride: 2}}, {Residual{Seq{Tanh{}}}}, {Par{Branches: []Seq{{}, {Sigmoid{}}}}, Tanh{}},
		})
		return Seq{Tanh{}, Par{Branches: rapid.SliceOfN(branch, 1, 4).Draw(t, "branches"), Concat: flip(t)}, Tanh{}}, in
	}},
	{name: "par of features", draw: func(t *rapid.T) (Layer, data.Shape) {
		branch := rapid.SampledFrom([]Seq{{}, {Tanh{}}, {Dense{Out: upTo(t, 9)}}, {Dense{Out: upTo(t, 9)}, GELU{}}})
		return Par{Branches: rapid.SliceOfN(branch, 1, 4).Draw(t, "branches"), Concat: flip(t)}, data.Shape{upTo(t, 9)}
	}},
	{name: "cell", draw: func(t *rapid.T) (Layer, data.Shape) {
		in := pictures(t, upTo(t, 6))
		body := rapid.SampledFrom([]Seq{{}, {}, {Tanh{}}, {Conv{Out: in[2]}, Tanh{}}, {Conv{Out: upTo(t, 5), Kernel: 1}}, {Residual{Seq{Tanh{}}}}})
		c := Cell{Nodes: 1 + upTo(t, 3)}
		for to := 1; to < c.Nodes; to++ {
			for from := range to {
				if from == to-1 || flip(t) {
					c.Edges = append(c.Edges, Edge{from, to, body.Draw(t, "body")})
				}
			}
		}
		return Seq{Tanh{}, c}, in // sums grow: another tanh behind would bend too much for the differences
	}},
}

// awayFromZero keeps what goes into the first ReLU of SqueezeExcite away from 0,
// where it has no derivative.
func awayFromZero(p *probe) {
	for i := range p.net.plan.Params[1].W {
		p.net.plan.Params[1].W[i] = float32(3 - 6*(i%2))
	}
	kernel.Scale(p.x, 0.2)
}

func upTo(t *rapid.T, n int) int { return rapid.IntRange(1, n).Draw(t, "n") }
func flip(t *rapid.T) bool       { return rapid.Bool().Draw(t, "flip") }

func steps(t *rapid.T, features int) data.Shape { return data.Shape{upTo(t, 9), features} }
func pictures(t *rapid.T, c int) data.Shape     { return data.Shape{upTo(t, 9), upTo(t, 9), c} }

func placed(t *rapid.T) data.Shape {
	if flip(t) {
		return steps(t, upTo(t, 20))
	}
	return pictures(t, upTo(t, 7))
}

func anyShape(t *rapid.T) data.Shape {
	if rapid.IntRange(0, 2).Draw(t, "axes") == 0 {
		return data.Shape{upTo(t, 40)}
	}
	return placed(t)
}
