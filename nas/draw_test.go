package nas

import (
	"pgregory.net/rapid"

	"budwood/data"
	"budwood/search"
)

// drawRule draws a rule of every kind.
func drawRule(t *rapid.T, depth int) Rule {
	kinds := 8
	if depth > 3 {
		kinds = 2
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return Op{Name: rapid.SampledFrom([]string{"relu", "gelu", "tanh", skip, "batchnorm", "flatten"}).Draw(t, "plain")}
	case 1:
		return drawOp(t)
	case 2:
		return Seq(drawRules(t, depth, 0))
	case 3:
		return OneOf(drawRules(t, depth, 1))
	case 4:
		lo := rapid.IntRange(0, 2).Draw(t, "min")
		return Repeat{lo, lo + rapid.IntRange(0, 3).Draw(t, "more"), drawRule(t, depth+1)}
	}
	if rapid.IntRange(0, 2).Draw(t, "join") == 0 {
		return Cell{rapid.IntRange(2, 4).Draw(t, "nodes"), OneOf{Op{Name: skip}, Op{Name: none}, drawRule(t, depth+1)}}
	}
	return Par{append(drawRules(t, depth, 0), Op{Name: skip}), rapid.Bool().Draw(t, "concat")}
}

func drawRules(t *rapid.T, depth, least int) []Rule {
	out := make([]Rule, rapid.IntRange(least, 3).Draw(t, "rules"))
	for i := range out {
		out[i] = drawRule(t, depth+1)
	}
	return out
}

func drawOp(t *rapid.T) Rule {
	lo := rapid.IntRange(1, 16).Draw(t, "lo")
	out := search.Int("out", lo, lo+rapid.IntRange(0, 40).Draw(t, "width"), search.Log)
	kernel := search.Ordinal("kernel", 1, 3, 5)
	switch rapid.IntRange(0, 5).Draw(t, "op") {
	case 0:
		return Op{"conv", []search.Param{out, kernel, search.Choice("stride", 2, 1)}}
	case 1:
		return Op{"depthwise", []search.Param{kernel}}
	case 2:
		return Op{"maxpool", []search.Param{search.Int("size", 1, 3)}}
	case 3:
		return Op{"dropout", []search.Param{search.Float("p", 0, .5, search.Step(.25))}}
	case 4:
		return Op{"conv", []search.Param{search.Int("out", 0, 8, search.Step(4))}}
	}
	return Op{"dense", []search.Param{out}}
}

// drawSpace draws a space, not bound to data.
func drawSpace(t *rapid.T) (*Space, Grammar) {
	g := Grammar{Root: drawRule(t, 0)}
	s, err := New(g, Limits{})
	if err != nil {
		t.Fatalf("%v: %v", g, err)
	}
	return s, g
}

// drawFamily draws an architecture block of a family and binds it to data that
// it fits.
func drawFamily(t *rapid.T) *Space {
	spec := Spec{Family: rapid.SampledFrom([]string{"mlp", "resnet", "tabular"}).Draw(t, "family")}
	shape := data.Shape{rapid.IntRange(1, 40).Draw(t, "features")}
	var ops []string
	if spec.Family != "resnet" {
		ops = []string{"dense", "residual"}
	}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		spec.Family = "sequence"
		shape = data.Shape{rapid.IntRange(1, 12).Draw(t, "steps"), rapid.IntRange(1, 5).Draw(t, "features")}
		ops = []string{"transformer", "decoder", "conv1d"}
	case 1:
		spec.Family = "cell"
		side := rapid.IntRange(8, 20).Draw(t, "side")
		shape = data.Shape{side, side, rapid.IntRange(1, 3).Draw(t, "channels")}
		ops = []string{"conv", "depthwise", "squeeze_excite", "attention", "maxpool", "avgpool"}
	case 2:
		spec.Family = "cnn"
		side := rapid.IntRange(8, 20).Draw(t, "side")
		shape = data.Shape{side, side, rapid.IntRange(1, 3).Draw(t, "channels")}
		ops = []string{"conv", "depthwise", "residual", "squeeze_excite", "attention", "maxpool", "avgpool"}
		if rapid.Bool().Draw(t, "head") {
			spec.Width = []int{8, 32}
		}
	}
	for _, op := range append(ops, "relu", "gelu", "tanh") {
		if rapid.Bool().Draw(t, op) {
			spec.Ops = append(spec.Ops, op)
		}
	}
	b := bound(t, spec, shape)
	if rapid.Bool().Draw(t, "limited") {
		_, c, err := b.Build(b.Smallest())
		if err != nil {
			t.Fatal(err)
		}
		spec.Limits.Params = c.Params * int64(rapid.IntRange(10, 50).Draw(t, "params")) / 10
		spec.Limits.MACs = c.MACs * int64(rapid.IntRange(10, 50).Draw(t, "macs")) / 10
		b = bound(t, spec, shape)
	}
	return b
}

func bound(t *rapid.T, spec Spec, shape data.Shape) *Space {
	s, err := spec.Space()
	if err == nil {
		s, err = s.For(shape, 3)
	}
	if err != nil {
		t.Fatalf("%+v for %v: %v", spec, shape, err)
	}
	return s
}
