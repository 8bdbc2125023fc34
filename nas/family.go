package nas

import (
	"math"
	"slices"

	"budwood/search"
)

// family is a ready-made grammar with sizes to fill in.
type family struct {
	name       string
	keys       []string   // of Spec, beside ops and limits
	ops        [][]string // blocks, pools, activations: one of each is needed, the first by default
	leastDepth int
	defaults   Spec
	root       func(Spec) Rule
}

var activations = []string{"relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"}

func familyNamed(name string) *family {
	switch name {
	case "mlp":
		return &family{
			name: name, keys: []string{"depth", "width", "norm", "dropout"},
			ops:      [][]string{{"dense", "residual"}, activations},
			defaults: Spec{Depth: []int{1, 3}, Width: []int{16, 256}, Norm: []string{"none", "batch"}, Dropout: []float64{0, .5}},
			root:     mlp,
		}
	case "cnn":
		return &family{
			name: name, keys: []string{"stages", "depth", "width", "channels", "kernels", "norm", "dropout"},
			ops:        [][]string{{"conv", "depthwise", "residual"}, {"maxpool", "avgpool"}, activations},
			leastDepth: 1,
			defaults: Spec{Stages: []int{1, 3}, Depth: []int{1, 2}, Channels: []int{8, 64}, Kernels: []int{3, 5},
				Norm: []string{"batch"}, Dropout: []float64{0, .5}},
			root: cnn,
		}
	}
	return nil
}

// mlp is hidden layers in a row; each may add its input to its output.
func mlp(s Spec) Rule {
	layer := Seq{sized("dense", s.Width), norm(s), activation(s), dropout(s)}
	return repeat(s.Depth, named(s.Ops, map[string]Rule{
		"dense":    layer,
		"residual": Par{[]Rule{Op{Name: skip}, layer}},
	}))
}

// cnn is stages of blocks, each stage with a pool at its end, then a mean over
// the image or the image as it is, then perhaps a dense layer.
func cnn(s Spec) Rule {
	conv := sized("conv", s.Channels, kernels(s))
	block := named(s.Ops, map[string]Rule{
		"conv": Seq{conv, norm(s), activation(s)},
		"depthwise": Seq{Op{"depthwise", []search.Param{kernels(s)}}, norm(s), activation(s),
			sized("conv", s.Channels, search.Choice("kernel", 1)), norm(s), activation(s)},
		"residual": Seq{Par{[]Rule{Op{Name: skip}, Seq{conv, norm(s), activation(s), Op{"conv", []search.Param{kernels(s)}}, norm(s)}}}, activation(s)},
	})
	pool := named(s.Ops, map[string]Rule{"maxpool": Op{Name: "maxpool"}, "avgpool": Op{Name: "avgpool"}})
	root := Seq{
		repeat(s.Stages, Seq{repeat(s.Depth, block), pool}),
		OneOf{Op{Name: "globalpool"}, Op{Name: "flatten"}},
	}
	if len(s.Width) > 0 {
		root = append(root, Repeat{0, 1, Seq{sized("dense", s.Width), activation(s)}})
	}
	return append(root, dropout(s))
}

func repeat(bounds []int, of Rule) Rule { return Repeat{bounds[0], bounds[len(bounds)-1], of} }

// named is the choice between those rules whose names are listed.
func named(ops []string, rules map[string]Rule) Rule {
	var out OneOf
	for _, op := range ops {
		if r, ok := rules[op]; ok {
			out = append(out, r)
		}
	}
	if len(out) == 1 {
		return out[0]
	}
	return out
}

func activation(s Spec) Rule {
	rules := map[string]Rule{}
	for _, name := range activations {
		rules[name] = Op{Name: name}
	}
	return named(s.Ops, rules)
}

func norm(s Spec) Rule {
	return named(s.Norm, map[string]Rule{"none": Op{Name: skip}, "batch": Op{Name: "batchnorm"}})
}

// sized is an operation whose output is spread over the logarithm of a range,
// in steps of 8 where the range allows.
func sized(op string, bounds []int, more ...search.Param) Rule {
	lo, hi := bounds[0], bounds[len(bounds)-1]
	opts := []search.Opt{search.Log}
	if lo%8 == 0 && hi%8 == 0 && hi > lo {
		opts = append(opts, search.Step(8))
	}
	return Op{op, append([]search.Param{search.Int("out", lo, hi, opts...)}, more...)}
}

func kernels(s Spec) search.Param { return search.Ordinal("kernel", s.Kernels...) }

// dropout chooses from six rates, evenly spaced over the range.
func dropout(s Spec) Rule {
	lo, hi := s.Dropout[0], s.Dropout[len(s.Dropout)-1]
	if hi == 0 {
		return Seq{}
	}
	rates := []float64{lo}
	for i := 1; i <= 5 && hi > lo; i++ {
		rates = append(rates, math.Round(1e4*(lo+(hi-lo)*float64(i)/5))/1e4)
	}
	return Op{"dropout", []search.Param{search.Ordinal("p", slices.Compact(rates)...)}}
}
