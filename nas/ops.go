package nas

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// operation is an entry of the vocabulary. Its functions take the values of
// its attributes, in their order.
type operation struct {
	name  string
	attrs []attribute
	// layers builds the operation for an input shape; nil carries nothing.
	layers func(v []float64, in data.Shape) engine.Seq
	// text is the short form for people; nil means the name.
	text func(v []float64) string
	// extent says in symbols how the shape changes; nil means not at all.
	extent func(v []float64, e extent) extent
}

// attribute is what an operation can be told: a whole number in [lo, hi] or a
// fraction in [lo, hi).
type attribute struct {
	name     string
	fraction bool
	lo, hi   float64
	def      float64 // where it is not written; below lo: it must be written
}

// The operations that are no layers: the input unchanged; the input unchanged, but
// at the end of a network for an output layer on each step by itself; and nothing
// at all.
const (
	skip     = "skip"
	eachStep = "each_step"
	none     = "none"
)

const maxSize = 1 << 20 // of a layer

var (
	kernel = attribute{name: "kernel", lo: 1, hi: 255, def: 3}
	stride = attribute{name: "stride", lo: 1, hi: 255, def: 1}
	size   = attribute{name: "size", lo: 1, hi: 255, def: 2}
	heads  = attribute{name: "heads", lo: 1, hi: 256, def: 4}
	expand = attribute{name: "expand", lo: 1, hi: 16, def: 4}
)

// vocabulary lists every operation. Nothing changes it.
var vocabulary = []*operation{
	{
		name:  "dense", // out 0: as many features as come in
		attrs: []attribute{{name: "out", lo: 0, hi: maxSize, def: -1}},
		layers: func(v []float64, in data.Shape) engine.Seq {
			out := int(v[0])
			if out == 0 {
				out = in.Size()
			}
			return engine.Seq{engine.Dense{Out: out}}
		},
		text: func(v []float64) string { return "dense" + unless(0, v[0], " ") },
		extent: func(v []float64, e extent) extent {
			if v[0] == 0 {
				return e.flattened()
			}
			return extent{uint64(v[0]), flat}
		},
	},
	{
		name:  "conv", // out 0: as many channels as come in
		attrs: []attribute{{name: "out", lo: 0, hi: maxSize}, kernel, stride},
		layers: func(v []float64, in data.Shape) engine.Seq {
			out := int(v[0])
			if out == 0 {
				out = in[len(in)-1]
			}
			return engine.Seq{engine.Conv{Out: out, Kernel: int(v[1]), Stride: int(v[2])}}
		},
		text: func(v []float64) string {
			return "conv" + unless(0, v[0], "") + "·" + itoa(v[1]) + unless(1, v[2], "/")
		},
		extent: func(v []float64, e extent) extent {
			if v[0] > 0 {
				e.channels = uint64(v[0])
			}
			return e.shrunk(v[2])
		},
	},
	{
		name:  "depthwise",
		attrs: []attribute{kernel, stride},
		layers: func(v []float64, in data.Shape) engine.Seq {
			c := in[len(in)-1]
			return engine.Seq{engine.Conv{Out: c, Kernel: int(v[0]), Stride: int(v[1]), Groups: c}}
		},
		text:   func(v []float64) string { return "depthwise·" + itoa(v[0]) + unless(1, v[1], "/") },
		extent: func(v []float64, e extent) extent { return e.shrunk(v[1]) },
	},
	{
		name:  "maxpool",
		attrs: []attribute{size},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.MaxPool{Size: int(v[0])}}
		},
		text:   func(v []float64) string { return "pool" + unless(2, v[0], "") },
		extent: func(v []float64, e extent) extent { return e.shrunk(v[0]) },
	},
	{
		name:  "avgpool",
		attrs: []attribute{size},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.AvgPool{Size: int(v[0])}}
		},
		text:   func(v []float64) string { return "avgpool" + unless(2, v[0], "") },
		extent: func(v []float64, e extent) extent { return e.shrunk(v[0]) },
	},
	{
		name:   "globalpool",
		layers: always(engine.GlobalAvgPool{}),
		extent: func(_ []float64, e extent) extent { return extent{e.channels, flat} },
	},
	{
		name:   "flatten",
		layers: always(engine.Flatten{}),
		extent: func(_ []float64, e extent) extent { return e.flattened() },
	},
	{
		name:   "batchnorm",
		layers: always(engine.BatchNorm{}),
		text:   func([]float64) string { return "bn" },
	},
	{
		name:  "dropout",
		attrs: []attribute{{name: "p", fraction: true, lo: 0, hi: 1, def: math.Inf(-1)}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.Dropout{P: v[0]}}
		},
		text: func(v []float64) string { return fmt.Sprintf("drop %.3g", v[0]) },
	},
	{
		name:   "layernorm",
		layers: always(engine.LayerNorm{}),
		text:   func([]float64) string { return "ln" },
	},
	{
		name:  "squeeze_excite",
		attrs: []attribute{{name: "ratio", lo: 1, hi: 256, def: 4}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.SqueezeExcite{Ratio: int(v[0])}}
		},
		text: func(v []float64) string { return "se" + unless(4, v[0], "") },
	},
	{
		name:  "attention", // each pixel of an image is a step
		attrs: []attribute{heads},
		layers: func(v []float64, in data.Shape) engine.Seq {
			return onSteps(in, engine.Attention{Heads: divisor(in, v[0])})
		},
		text: func(v []float64) string { return "attention" + unless(4, v[0], "") },
	},
	{
		name:  "transformer",
		attrs: []attribute{heads, expand},
		layers: func(v []float64, in data.Shape) engine.Seq {
			return onSteps(in, engine.Transformer{Heads: divisor(in, v[0]), Hidden: int(v[1]) * in[len(in)-1]})
		},
		text: func(v []float64) string { return "transformer" + unless(4, v[0], "") + unless(4, v[1], "·") },
	},
	{
		name:  "decoder", // a transformer whose steps see those before them alone
		attrs: []attribute{heads, expand},
		layers: func(v []float64, in data.Shape) engine.Seq {
			return onSteps(in, engine.Transformer{Heads: divisor(in, v[0]), Hidden: int(v[1]) * in[len(in)-1], Causal: true})
		},
		text: func(v []float64) string { return "decoder" + unless(4, v[0], "") + unless(4, v[1], "·") },
	},
	{
		name:  "conv1d", // out 0: as many features as come in
		attrs: []attribute{{name: "out", lo: 0, hi: maxSize}, kernel, stride},
		layers: func(v []float64, in data.Shape) engine.Seq {
			out := int(v[0])
			if out == 0 {
				out = in[len(in)-1]
			}
			return engine.Seq{engine.Conv1D{Out: out, Kernel: int(v[1]), Stride: int(v[2])}}
		},
		text: func(v []float64) string {
			return "conv1d" + unless(0, v[0], " ") + "·" + itoa(v[1]) + unless(1, v[2], "/")
		},
		extent: func(v []float64, e extent) extent {
			if v[0] > 0 {
				e.channels = uint64(v[0])
			}
			return e.shrunk(v[2])
		},
	},
	{
		name:  "linear", // dense on each step or pixel
		attrs: []attribute{{name: "out", lo: 1, hi: maxSize}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.Dense{Out: int(v[0]), PerStep: true}}
		},
		text:   func(v []float64) string { return "linear " + itoa(v[0]) },
		extent: func(v []float64, e extent) extent { return extent{uint64(v[0]), e.space} },
	},
	{
		name:  "embedding", // of tokens: whole numbers below vocab
		attrs: []attribute{{name: "vocab", lo: 1, hi: maxSize}, {name: "out", lo: 1, hi: maxSize}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.Embedding{Vocab: int(v[0]), Out: int(v[1])}}
		},
		text:   func(v []float64) string { return "embed " + itoa(v[1]) },
		extent: func(v []float64, e extent) extent { return extent{uint64(v[1]), mix(e.channels, 'e')} },
	},
	{
		name:  "gru",
		attrs: []attribute{{name: "out", lo: 1, hi: maxSize}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			return engine.Seq{engine.GRU{Out: int(v[0])}}
		},
		text:   func(v []float64) string { return "gru " + itoa(v[0]) },
		extent: func(v []float64, e extent) extent { return extent{uint64(v[0]), e.space} },
	},
	{
		name:  "fpn", // a feature pyramid over convolutions that halve the image, pooled
		attrs: []attribute{{name: "out", lo: 1, hi: maxSize}, {name: "levels", lo: 1, hi: 6, def: 2}},
		layers: func(v []float64, _ data.Shape) engine.Seq {
			p := engine.FPN{Out: int(v[0]), Pool: true}
			for range int(v[1]) {
				p.Stages = append(p.Stages, engine.Seq{engine.Conv{Out: int(v[0]), Stride: 2}, engine.BatchNorm{}, engine.ReLU{}})
			}
			return engine.Seq{p}
		},
		text:   func(v []float64) string { return "fpn" + itoa(v[0]) + unless(2, v[1], "·") },
		extent: func(v []float64, _ extent) extent { return extent{mix(uint64(v[0]), uint64(v[1])), flat} },
	},
	{name: "groupnorm", layers: always(engine.GroupNorm{}), text: func([]float64) string { return "gn" }},
	{name: "positional", layers: always(engine.Positional{}), text: func([]float64) string { return "pos" }},
	{
		name:   "steps", // an image as a sequence of its pixels, a row as one of its values
		layers: func(_ []float64, in data.Shape) engine.Seq { return toSteps(in) },
		extent: func(_ []float64, e extent) extent {
			if e.space == flat {
				return extent{1, mix(e.channels, 's')}
			}
			return extent{e.channels, mix(e.space, 's')}
		},
	},
	{
		name:   "last", // the last step
		layers: always(engine.LastStep{}),
		extent: func(_ []float64, e extent) extent { return extent{e.channels, flat} },
	},
	{name: "relu", layers: always(engine.ReLU{})},
	{name: "leaky_relu", layers: always(engine.LeakyReLU{})},
	{name: "gelu", layers: always(engine.GELU{})},
	{name: "silu", layers: always(engine.SiLU{})},
	{name: "tanh", layers: always(engine.Tanh{})},
	{name: "sigmoid", layers: always(engine.Sigmoid{})},
	{name: skip, layers: always()},
	{name: eachStep, layers: always()},
	{name: none},
}

// toSteps makes a sequence of any shape.
func toSteps(in data.Shape) engine.Seq {
	switch len(in) {
	case 1:
		return engine.Seq{engine.Reshape{To: data.Shape{in[0], 1}}}
	case 3:
		return engine.Seq{engine.Reshape{To: data.Shape{in[0] * in[1], in[2]}}}
	}
	return nil
}

// onSteps applies a layer that keeps the shape to the steps of a sequence, or to
// the pixels of an image as such.
func onSteps(in data.Shape, l engine.Layer) engine.Seq {
	if len(in) != 3 {
		return engine.Seq{l}
	}
	return append(toSteps(in), l, engine.Reshape{To: in})
}

// divisor is the largest number up to n that divides the features evenly, so
// that no number of heads makes a network impossible.
func divisor(in data.Shape, n float64) int {
	features := in[len(in)-1]
	for h := min(int(n), features); h > 1; h-- {
		if features%h == 0 {
			return h
		}
	}
	return 1
}

func always(layers ...engine.Layer) func([]float64, data.Shape) engine.Seq {
	return func([]float64, data.Shape) engine.Seq { return layers }
}

// Operations lists what a grammar can be built from, each with its attributes:
// "conv(out, kernel, stride)". The operation skip changes nothing; none returns
// nothing and drops out of a sum.
func Operations() []string {
	out := make([]string, len(vocabulary))
	for i, o := range vocabulary {
		out[i] = o.String()
	}
	return out
}

// String is the operation with the names of its attributes.
func (o *operation) String() string {
	if len(o.attrs) == 0 {
		return o.name
	}
	names := make([]string, len(o.attrs))
	for i, a := range o.attrs {
		names[i] = a.name
	}
	return o.name + "(" + strings.Join(names, ", ") + ")"
}

func operationNamed(name string) *operation {
	for _, o := range vocabulary {
		if o.name == name {
			return o
		}
	}
	return nil
}

// index is the position of the attribute of that name, -1 if there is none.
func (o *operation) index(name string) int {
	for i, a := range o.attrs {
		if a.name == name {
			return i
		}
	}
	return -1
}

// changesNothing reports whether the operation returns its input.
func (o *operation) changesNothing(v []float64) bool {
	switch o.name {
	case skip, eachStep:
		return true
	case "dropout":
		return v[0] == 0
	case "maxpool", "avgpool":
		return v[0] == 1
	}
	return false
}

// idempotent reports whether applying the operation twice is applying it once.
func (o *operation) idempotent() bool { return o.name == "relu" || o.name == "flatten" }

// check returns v as a value of the attribute.
func (a *attribute) check(v any) (float64, error) {
	x, ok := search.Number(v)
	switch {
	case !ok:
		return 0, fmt.Errorf("%s is not a number", search.FormatExact(v))
	case a.fraction && !(x >= a.lo && x < a.hi):
		return 0, fmt.Errorf("%s is outside [%g, %g)", search.FormatExact(v), a.lo, a.hi)
	case !a.fraction && !(x >= a.lo && x <= a.hi && x == math.Trunc(x)):
		return 0, fmt.Errorf("%s is not a whole number from %.0f to %.0f", search.FormatExact(v), a.lo, a.hi)
	}
	return x, nil
}

func itoa(x float64) string { return strconv.Itoa(int(x)) }

// unless writes x after a prefix, or nothing if x is the usual value.
func unless(usual, x float64, prefix string) string {
	if x == usual {
		return ""
	}
	return prefix + itoa(x)
}
