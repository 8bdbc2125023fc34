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
	more       []string   // may be named too
	leastDepth int
	defaults   Spec
	root       func(Spec) Rule
}

var activations = []string{"relu", "leaky_relu", "gelu", "silu", "tanh", "sigmoid"}

// Families are the names of the ready-made grammars.
func Families() []string {
	return []string{"mlp", "resnet", "tabular", "cnn", "cell", "sequence", "text"}
}

func familyNamed(name string) *family {
	switch name {
	case "mlp", "resnet", "tabular":
		f := &family{
			name: name, keys: []string{"depth", "width", "norm", "dropout"},
			ops:      [][]string{{"dense", "residual"}, activations},
			defaults: Spec{Depth: []int{1, 3}, Width: []int{16, 256}, Norm: []string{"none", "batch"}, Dropout: []float64{0, .5}},
			root:     mlp,
		}
		switch name {
		case "resnet":
			f.ops, f.root = f.ops[1:], resnet
		case "tabular":
			f.root = tabular
			f.defaults.Depth = []int{0, 3} // a linear model, too: of few rows often the best
		}
		return f
	case "cnn":
		return &family{
			name: name, keys: []string{"stages", "depth", "width", "channels", "kernels", "norm", "dropout"},
			ops:        [][]string{{"conv", "depthwise", "residual", "squeeze_excite", "attention"}, {"maxpool", "avgpool"}, activations},
			more:       []string{"fpn"},
			leastDepth: 1,
			defaults: Spec{Stages: []int{1, 3}, Depth: []int{1, 2}, Channels: []int{8, 64}, Kernels: []int{3, 5},
				Norm: []string{"batch"}, Dropout: []float64{0, .5}},
			root: cnn,
		}
	case "cell":
		return &family{
			name: name, keys: []string{"stages", "depth", "channels", "dropout"},
			ops:        [][]string{{"conv", "depthwise", "squeeze_excite", "attention"}, {"maxpool", "avgpool"}, activations},
			leastDepth: 1,
			defaults:   Spec{Stages: []int{2, 3}, Depth: []int{1, 2}, Channels: []int{8, 64}, Dropout: []float64{0, .5}},
			root:       cells,
		}
	case "sequence":
		return &family{
			name: name, keys: []string{"depth", "width", "kernels", "heads", "vocab", "dropout"},
			ops:        [][]string{{"transformer", "decoder", "conv1d", "gru"}, activations},
			leastDepth: 1,
			defaults:   Spec{Depth: []int{1, 4}, Width: []int{16, 128}, Kernels: []int{3, 5, 7}, Heads: []int{1, 2, 4, 8}, Dropout: []float64{0, .3}},
			root:       sequence,
		}
	case "text":
		return &family{
			name: name, keys: []string{"depth", "width", "heads", "vocab", "dropout"},
			ops:        [][]string{{"gru", "decoder"}},
			leastDepth: 1,
			defaults:   Spec{Depth: []int{1, 3}, Width: []int{32, 256}, Heads: []int{1, 2, 4, 8}, Dropout: []float64{0, .3}},
			root:       text,
		}
	}
	return nil
}

// mlp is hidden layers in a row; each may add its input to its output.
func mlp(s Spec) Rule {
	layer := Seq{sized("dense", s.Width), norm(s), activation(s), dropout(s)}
	return repeat(s.Depth, named(s.Ops, map[string]Rule{
		"dense":    layer,
		"residual": around(layer),
	}))
}

// resnet is the residual network for tables of Gorishniy et al. 2021 (section
// 3.3): a first layer, blocks of two that keep its width, and a norm before the
// output.
func resnet(s Spec) Rule {
	block := around(Op{Name: "batchnorm"}, sized("dense", s.Width), activation(s), dropout(s), Op{"dense", []search.Param{search.Choice("out", 0)}}, dropout(s))
	return Seq{sized("dense", s.Width), repeat(s.Depth, block), Op{Name: "batchnorm"}, activation(s)}
}

// tabular is one or the other, on the row as it is or with an embedding beside
// it: a linear layer, which on columns of 0 and 1 looks up a trained vector for
// each category and adds the vectors of a row up.
func tabular(s Spec) Rule {
	embed := Par{[]Rule{Op{Name: skip}, Op{"dense", []search.Param{search.Int("out", 4, 32, search.Log, search.Step(4))}}}, true}
	return Seq{OneOf{Op{Name: skip}, embed}, OneOf{mlp(s), resnet(s)}}
}

// around adds its input to what the rules make of it.
func around(rules ...Rule) Rule {
	if len(rules) == 1 {
		return Par{Branches: []Rule{Op{Name: skip}, rules[0]}}
	}
	return Par{Branches: []Rule{Op{Name: skip}, Seq(rules)}}
}

// cnn is stages of blocks, each stage with a pool at its end, then a mean over
// the image or the image as it is, then perhaps a dense layer.
func cnn(s Spec) Rule {
	conv := sized("conv", s.Channels, kernels(s))
	twice := Seq{conv, norm(s), activation(s), Op{"conv", []search.Param{kernels(s)}}, norm(s)}
	block := named(s.Ops, map[string]Rule{
		"conv": Seq{conv, norm(s), activation(s)},
		"depthwise": Seq{Op{"depthwise", []search.Param{kernels(s)}}, norm(s), activation(s),
			sized("conv", s.Channels, search.Choice("kernel", 1)), norm(s), activation(s)},
		"residual":       Seq{around(twice...), activation(s)},
		"squeeze_excite": Seq{around(append(twice[:len(twice):len(twice)], Op{Name: "squeeze_excite"})...), activation(s)},
		"attention":      around(Op{Name: "layernorm"}, Op{"attention", []search.Param{search.Ordinal("heads", 1, 2, 4)}}),
	})
	head := OneOf{Op{Name: "globalpool"}, Op{Name: "flatten"}}
	if slices.Contains(s.Ops, "fpn") {
		head = append(head, sized("fpn", s.Channels))
	}
	root := Seq{
		repeat(s.Stages, Seq{repeat(s.Depth, block), pool(s)}),
		head,
	}
	if len(s.Width) > 0 {
		root = append(root, Repeat{0, 1, Seq{sized("dense", s.Width), activation(s)}})
	}
	return append(root, dropout(s))
}

// cells is stages of densely connected cells of four nodes, as in NAS-Bench-201
// (Dong & Yang 2020): each stage begins with a convolution that sets its
// channels and ends with a pool.
func cells(s Spec) Rule {
	edges := map[string]Rule{
		"depthwise":      Seq{activation(s), Op{Name: "depthwise"}, Op{Name: "batchnorm"}},
		"squeeze_excite": Op{Name: "squeeze_excite"},
		"attention":      Op{"attention", []search.Param{search.Ordinal("heads", 1, 2, 4)}},
	}
	edge := OneOf{Op{Name: none}, Op{Name: skip}}
	for _, op := range s.Ops {
		switch r, ok := edges[op]; {
		case op == "conv":
			for _, k := range []int{1, 3} {
				edge = append(edge, Seq{activation(s), Op{"conv", []search.Param{search.Choice("kernel", k)}}, Op{Name: "batchnorm"}})
			}
		case ok:
			edge = append(edge, r)
		}
	}
	stem := Seq{sized("conv", s.Channels, search.Choice("kernel", 3)), Op{Name: "batchnorm"}}
	return Seq{
		repeat(s.Stages, Seq{stem, repeat(s.Depth, Cell{4, edge}), activation(s), pool(s)}),
		Op{Name: "globalpool"}, dropout(s),
	}
}

// sequence embeds tokens, or each step of a sequence of numbers, in a width that
// its blocks keep; of the steps it takes the mean or the last.
func sequence(s Spec) Rule {
	var first Rule = sized("linear", s.Width)
	if s.Vocab > 0 {
		first = sized("embedding", s.Width, search.Choice("vocab", s.Vocab))
	}
	attend := []search.Param{search.Ordinal("heads", s.Heads...), search.Ordinal("expand", 1, 2, 4)}
	block := named(s.Ops, map[string]Rule{
		"transformer": Op{"transformer", attend},
		"decoder":     Op{"decoder", attend},
		"gru":         Seq{sized("gru", s.Width), Op{Name: "layernorm"}},
		"conv1d":      around(Op{Name: "layernorm"}, Op{"conv1d", []search.Param{kernels(s)}}, activation(s)),
	})
	return Seq{first, OneOf{Op{Name: "positional"}, Op{Name: skip}}, repeat(s.Depth, Seq{block, dropout(s)}),
		Op{Name: "layernorm"}, OneOf{Op{Name: "globalpool"}, Op{Name: "last"}}}
}

// text embeds characters and keeps their steps, each of which sees those before
// it alone; the output layer predicts the character behind each.
func text(s Spec) Rule {
	attend := []search.Param{search.Ordinal("heads", s.Heads...), search.Ordinal("expand", 1, 2, 4)}
	block := named(s.Ops, map[string]Rule{
		"decoder": Op{"decoder", attend},
		"gru":     sized("gru", s.Width),
	})
	return Seq{sized("embedding", s.Width, search.Choice("vocab", max(s.Vocab, 1))), OneOf{Op{Name: "positional"}, Op{Name: skip}},
		repeat(s.Depth, Seq{block, dropout(s)}), Op{Name: "layernorm"}, Op{Name: eachStep}}
}

func pool(s Spec) Rule {
	return named(s.Ops, map[string]Rule{"maxpool": Op{Name: "maxpool"}, "avgpool": Op{Name: "avgpool"}})
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
