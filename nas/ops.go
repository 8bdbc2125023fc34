package nas

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"budwood/engine"
	"budwood/search"
)

// operation is an entry of the vocabulary. Its functions take the values of
// its attributes, in their order.
type operation struct {
	name  string
	attrs []attribute
	// layers builds the operation for an input shape; nil carries nothing.
	layers func(v []float64, in engine.Shape) engine.Seq
	// text is the short form for people; nil means the name.
	text func(v []float64) string
	// extent tells in symbols how the shape changes; nil means not at all.
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

// The operations that are no layers: the input unchanged, and nothing at all.
const (
	skip = "skip"
	none = "none"
)

const maxSize = 1 << 20 // of a layer

var (
	kernel = attribute{name: "kernel", lo: 1, hi: 255, def: 3}
	stride = attribute{name: "stride", lo: 1, hi: 255, def: 1}
	size   = attribute{name: "size", lo: 1, hi: 255, def: 2}
)

// vocabulary lists every operation. Nothing changes it.
var vocabulary = []*operation{
	{
		name:  "dense",
		attrs: []attribute{{name: "out", lo: 1, hi: maxSize}},
		layers: func(v []float64, _ engine.Shape) engine.Seq {
			return engine.Seq{engine.Dense{Out: int(v[0])}}
		},
		text:   func(v []float64) string { return "dense " + itoa(v[0]) },
		extent: func(v []float64, _ extent) extent { return extent{uint64(v[0]), flat} },
	},
	{
		name:  "conv", // out 0: as many channels as come in
		attrs: []attribute{{name: "out", lo: 0, hi: maxSize}, kernel, stride},
		layers: func(v []float64, in engine.Shape) engine.Seq {
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
		layers: func(v []float64, in engine.Shape) engine.Seq {
			c := in[len(in)-1]
			return engine.Seq{engine.Conv{Out: c, Kernel: int(v[0]), Stride: int(v[1]), Groups: c}}
		},
		text:   func(v []float64) string { return "depthwise·" + itoa(v[0]) + unless(1, v[1], "/") },
		extent: func(v []float64, e extent) extent { return e.shrunk(v[1]) },
	},
	{
		name:  "maxpool",
		attrs: []attribute{size},
		layers: func(v []float64, _ engine.Shape) engine.Seq {
			return engine.Seq{engine.MaxPool{Size: int(v[0])}}
		},
		text:   func(v []float64) string { return "pool" + unless(2, v[0], "") },
		extent: func(v []float64, e extent) extent { return e.shrunk(v[0]) },
	},
	{
		name:  "avgpool",
		attrs: []attribute{size},
		layers: func(v []float64, _ engine.Shape) engine.Seq {
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
		layers: func(v []float64, _ engine.Shape) engine.Seq {
			return engine.Seq{engine.Dropout{P: v[0]}}
		},
		text: func(v []float64) string { return fmt.Sprintf("drop %.3g", v[0]) },
	},
	{name: "relu", layers: always(engine.ReLU{})},
	{name: "leaky_relu", layers: always(engine.LeakyReLU{})},
	{name: "gelu", layers: always(engine.GELU{})},
	{name: "silu", layers: always(engine.SiLU{})},
	{name: "tanh", layers: always(engine.Tanh{})},
	{name: "sigmoid", layers: always(engine.Sigmoid{})},
	{name: skip, layers: always()},
	{name: none},
}

func always(layers ...engine.Layer) func([]float64, engine.Shape) engine.Seq {
	return func([]float64, engine.Shape) engine.Seq { return layers }
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

// changesNothing tells whether the operation returns its input.
func (o *operation) changesNothing(v []float64) bool {
	switch o.name {
	case skip:
		return true
	case "dropout":
		return v[0] == 0
	case "maxpool", "avgpool":
		return v[0] == 1
	}
	return false
}

// idempotent tells whether applying the operation twice is applying it once.
func (o *operation) idempotent() bool { return o.name == "relu" || o.name == "flatten" }

// check returns v as a value of the attribute.
func (a *attribute) check(v any) (float64, error) {
	x, ok := search.Number(v)
	switch {
	case !ok:
		return 0, fmt.Errorf("%v is not a number", v)
	case a.fraction && !(x >= a.lo && x < a.hi):
		return 0, fmt.Errorf("%v is outside [%g, %g)", v, a.lo, a.hi)
	case !a.fraction && !(x >= a.lo && x <= a.hi && x == math.Trunc(x)):
		return 0, fmt.Errorf("%v is not a whole number from %.0f to %.0f", v, a.lo, a.hi)
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
