package nas

import (
	"encoding/json"

	"budwood/search"
)

// MarshalJSON writes the grammar as study files do: {"grammar": …, "define":
// {…}}.
func (g Grammar) MarshalJSON() ([]byte, error) {
	out := map[string]any{"grammar": plainRule(g.Root)}
	if len(g.Define) > 0 {
		define := map[string]any{}
		for name, r := range g.Define {
			define[name] = plainRule(r)
		}
		out["define"] = define
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. The error is a [*GrammarError].
func (g *Grammar) UnmarshalJSON(b []byte) error {
	var in struct {
		Grammar any            `json:"grammar"`
		Define  map[string]any `json:"define"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	out, err := readGrammar(in.Grammar, in.Define)
	if err != nil {
		return err
	}
	*g = out
	return nil
}

// plainRule is a rule as JSON and YAML write it.
func plainRule(r Rule) any {
	switch r := r.(type) {
	case Seq:
		return plainRules(r)
	case OneOf:
		return map[string]any{"oneof": plainRules(r)}
	case Par:
		if r.Concat {
			return map[string]any{"concat": plainRules(r.Branches)}
		}
		return map[string]any{"add": plainRules(r.Branches)}
	case Repeat:
		return map[string]any{"repeat": []any{r.Min, r.Max}, "of": plainRule(r.Of)}
	case Cell:
		return map[string]any{"cell": r.Nodes, "edge": plainRule(r.Edge)}
	case Ref:
		return map[string]any{"ref": string(r)}
	case Op:
		if len(r.Attrs) == 0 {
			return r.Name
		}
		m := map[string]any{"op": r.Name}
		for _, a := range r.Attrs {
			m[a.Dim().Name] = plainDim(a.Dim())
		}
		return m
	}
	return nil
}

func plainRules(rules []Rule) []any {
	out := make([]any, len(rules))
	for i, r := range rules {
		out[i] = plainRule(r)
	}
	return out
}

func plainDim(d *search.Dim) any {
	if d.Kind == search.KindChoice {
		values := make([]any, len(d.Options))
		for i, o := range d.Options {
			values[i] = o.Value
		}
		if len(values) == 1 && d.Ordered {
			return values[0]
		}
		if d.Ordered {
			return values
		}
		return map[string]any{"choice": values}
	}
	m := map[string]any{string(d.Kind): []any{d.Lo, d.Hi}}
	if d.Log {
		m["log"] = true
	}
	if d.Step != 0 {
		m["step"] = d.Step
	}
	return m
}
