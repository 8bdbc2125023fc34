package nas

import (
	"fmt"

	"budwood/search"
)

// readGrammar reads the plain values of a JSON or YAML decoder.
func readGrammar(root any, define map[string]any) (Grammar, error) {
	var g Grammar
	var err error
	if g.Root, err = readRule(root, "grammar", 0); err != nil {
		return g, err
	}
	for _, name := range names(define) {
		if g.Define == nil {
			g.Define = map[string]Rule{}
		}
		if g.Define[name], err = readRule(define[name], join("define", name), 0); err != nil {
			return g, err
		}
	}
	return g, nil
}

const maxDepth = 100 // of a grammar or a derivation

func readRule(v any, path string, depth int) (Rule, error) {
	if depth > maxDepth {
		return nil, wrong(path, "is nested more than %d deep", maxDepth)
	}
	switch v := v.(type) {
	case string:
		return Op{Name: v}, nil
	case []any:
		rules, err := readRules(v, path, depth)
		return Seq(rules), err
	case map[string]any:
		return readMap(v, path, depth)
	}
	return nil, wrong(path, "%s is not a rule: write an operation, a list, or one of oneof, repeat, add, concat, cell, ref", search.FormatExact(v))
}

func readRules(v any, path string, depth int) ([]Rule, error) {
	list, ok := v.([]any)
	if !ok {
		return nil, wrong(path, "needs a list of rules")
	}
	out := make([]Rule, len(list))
	for i := range list {
		var err error
		if out[i], err = readRule(list[i], fmt.Sprintf("%s[%d]", path, i), depth+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// ruleKeys are the keys that tell a rule written as a map, and the other keys
// it has.
var ruleKeys = []struct{ key, with string }{
	{"oneof", ""}, {"add", ""}, {"concat", ""}, {"repeat", "of"}, {"cell", "edge"}, {"ref", ""},
}

func readMap(m map[string]any, path string, depth int) (Rule, error) {
	if _, ok := m["op"]; ok {
		return readOp(m, path)
	}
	for _, k := range ruleKeys {
		v, ok := m[k.key]
		if !ok {
			continue
		}
		for _, name := range names(m) {
			if name != k.key && name != k.with {
				return nil, wrong(join(path, name), "does not belong beside %s", k.key)
			}
		}
		var of Rule
		if k.with != "" {
			below, ok := m[k.with]
			if !ok {
				return nil, wrong(path, "%s needs %s: the rule that it derives", k.key, k.with)
			}
			var err error
			if of, err = readRule(below, join(path, k.with), depth+1); err != nil {
				return nil, err
			}
		}
		return readKeyed(k.key, v, of, join(path, k.key), depth)
	}
	return nil, wrong(path, "keys %s are no rule: one of op, oneof, repeat, add, concat, cell, ref must be there", search.Brief(fmt.Sprint(names(m)), 200))
}

func readKeyed(key string, v any, of Rule, path string, depth int) (Rule, error) {
	switch key {
	case "oneof":
		rules, err := readRules(v, path, depth)
		return OneOf(rules), err
	case "add", "concat":
		rules, err := readRules(v, path, depth)
		return Par{rules, key == "concat"}, err
	case "repeat":
		b, err := readBounds(v, path)
		return Repeat{Min: int(b[0]), Max: int(b[1]), Of: of}, err
	case "cell":
		n, err := readInt(v, path)
		return Cell{Nodes: n, Edge: of}, err
	}
	name, ok := v.(string)
	if !ok {
		return nil, wrong(path, "needs the name of a rule in define")
	}
	return Ref(name), nil
}

func readOp(m map[string]any, path string) (Rule, error) {
	name, ok := m["op"].(string)
	if !ok {
		return nil, wrong(join(path, "op"), "needs the name of an operation; known are %v", Operations())
	}
	op := Op{Name: name}
	o := operationNamed(name)
	if o == nil {
		return op, nil // the compiler says so
	}
	for _, key := range names(m) {
		if key != "op" && o.index(key) < 0 {
			return nil, wrong(join(path, key), "is not an attribute of %v", o)
		}
	}
	for _, a := range o.attrs {
		v, ok := m[a.name]
		if !ok {
			continue
		}
		d, err := readDim(a.name, v, join(path, a.name))
		if err != nil {
			return nil, err
		}
		op.Attrs = append(op.Attrs, d)
	}
	return op, nil
}
