package searchtest

import (
	"fmt"

	"pgregory.net/rapid"

	"budwood/search"
)

// DrawSpace draws a valid space for property tests: every kind of dimension,
// log and step, ordinals, one-value dimensions, huge and tiny ranges, and
// branches two levels deep.
func DrawSpace(t *rapid.T) search.Space {
	names := 0
	return drawSpace(t, 0, &names)
}

func drawSpace(t *rapid.T, depth int, names *int) search.Space {
	s := search.Space{}
	for range rapid.IntRange(0, 4-depth).Draw(t, "parameters") {
		s = append(s, drawDim(t, depth, names))
	}
	return s
}

func drawDim(t *rapid.T, depth int, names *int) *search.Dim {
	*names++
	d := &search.Dim{Name: fmt.Sprintf("p%d", *names)}
	d.Kind = rapid.SampledFrom([]search.Kind{search.KindFloat, search.KindInt, search.KindChoice}).Draw(t, "kind")
	switch d.Kind {
	case search.KindFloat:
		scale := rapid.SampledFrom([]float64{1e-9, 1e-3, 1, 1e3, 1e9}).Draw(t, "scale")
		d.Lo = scale * rapid.Float64Range(-10, 10).Draw(t, "lo")
		d.Hi = d.Lo + scale*rapid.SampledFrom([]float64{0, .5, 1, 7, 100}).Draw(t, "width")
		if rapid.Bool().Draw(t, "stepped") {
			d.Step = scale * rapid.SampledFrom([]float64{.05, .1, 1. / 3, 2}).Draw(t, "step")
		}
	case search.KindInt:
		d.Lo = float64(rapid.IntRange(-100, 100).Draw(t, "lo"))
		d.Hi = d.Lo + float64(rapid.SampledFrom([]int{0, 1, 2, 9, 100, 1_000_000}).Draw(t, "width"))
		d.Step = float64(rapid.SampledFrom([]int{0, 1, 3}).Draw(t, "step"))
	case search.KindChoice:
		d.Ordered = rapid.Bool().Draw(t, "ordered")
		kind := rapid.IntRange(0, 2).Draw(t, "type of values")
		for i := range rapid.IntRange(1, 4).Draw(t, "options") {
			o := search.Option{Value: []any{fmt.Sprintf("v%d", i), i * 10, float64(i) + .5}[kind]}
			if depth < 2 && rapid.IntRange(0, 2).Draw(t, "branch") == 0 {
				if o.Space = drawSpace(t, depth+1, names); len(o.Space) == 0 {
					o.Space = nil
				}
			}
			d.Options = append(d.Options, o)
		}
	}
	if d.Kind != search.KindChoice && d.Lo > 0 {
		d.Log = rapid.Bool().Draw(t, "log")
	}
	return d
}

// DrawConditions draws constraints on the parameters of a space, most of which
// some points satisfy and some do not.
func DrawConditions(t *rapid.T, s search.Space) []string {
	dims := s.Dims()
	if len(dims) == 0 {
		return nil
	}
	operand := func() string {
		d := rapid.SampledFrom(dims).Draw(t, "parameter")
		if d.Kind == search.KindChoice {
			if _, text := d.Options[0].Value.(string); text {
				return ""
			}
			return d.Name
		}
		if rapid.Bool().Draw(t, "squared") {
			return d.Name + " ** 2"
		}
		return d.Name
	}
	var out []string
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		d := rapid.SampledFrom(dims).Draw(t, "parameter")
		value := d.Decode(rapid.Float64Range(0, 1).Draw(t, "value"))
		op := rapid.SampledFrom([]string{"<=", ">=", "!=", "<", ">"}).Draw(t, "comparison")
		text := ""
		switch v := value.(type) {
		case string:
			text = fmt.Sprintf("%s != %s", d.Name, v)
		case float64:
			text = fmt.Sprintf("%s %s %v", d.Name, op, v)
		case int:
			text = fmt.Sprintf("%s %s %d", d.Name, op, v)
		}
		if a, b := operand(), operand(); a != "" && b != "" && rapid.Bool().Draw(t, "combined") {
			text = fmt.Sprintf("not (%s) or %s %s %s", text, a, op, b)
		}
		out = append(out, text)
	}
	return out
}
