package study

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"budwood/search"
)

// The YAML library's own decoder takes 2.5 for an int 2, '3' for a number and
// 1e-3 for a string. This one is strict: it fills a Go value from the parsed
// document, by the names of the json tags, and every error has its node.

type nodeError struct {
	node ast.Node
	err  error
}

func (e *nodeError) Error() string { return e.err.Error() }

func at(n ast.Node, format string, args ...any) error {
	return &nodeError{n, fmt.Errorf(format, args...)}
}

// decode fills the pointer dst from a node.
func decode(n ast.Node, dst any) error {
	v := reflect.ValueOf(dst).Elem()
	n = value(n)
	if n.Type() == ast.NullType {
		return at(n, "there is no value here: write one, or take this entry out")
	}
	if space, ok := dst.(*search.Space); ok {
		var specs []search.ParamSpec
		if err := decode(n, &specs); err != nil {
			return err
		}
		s, err := search.FromSpecs(specs)
		if err != nil {
			return &FieldError{spacePath(err), err}
		}
		*space = s
		return nil
	}
	isMap := isMapping(n)
	if t, ok := dst.(encoding.TextUnmarshaler); ok {
		if err := t.UnmarshalText([]byte(n.GetToken().Value)); err != nil {
			return at(n, "%w", err)
		}
		return nil
	}
	if u, ok := dst.(json.Unmarshaler); ok && !(isMap && v.Kind() == reflect.Struct) {
		x, err := plain(n)
		if err != nil {
			return err
		}
		b, err := json.Marshal(x)
		if err == nil {
			err = u.UnmarshalJSON(b)
		}
		if err != nil {
			return at(n, "%w", err)
		}
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return decode(n, v.Interface())
	case reflect.Struct:
		return decodeStruct(n, v)
	case reflect.Slice:
		seq, ok := n.(*ast.SequenceNode)
		if !ok {
			return at(n, "expected a list [a, b, …], found %s", describe(n))
		}
		v.Set(reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values)))
		for i, e := range seq.Values {
			if err := decode(e, v.Index(i).Addr().Interface()); err != nil {
				return err
			}
		}
		return nil
	}
	x, err := plain(n)
	if err != nil {
		return err
	}
	return assign(n, v, x)
}

// noValue is the error of a key with nothing behind it: whether its default is meant,
// or whether something was forgotten, cannot be told.
func noValue(e *ast.MappingValueNode) error {
	return at(e.Key, "%s has no value: write one, or leave the key out", search.Brief(e.Key.GetToken().Value, 60))
}

func decodeStruct(n ast.Node, v reflect.Value) error {
	if !isMapping(n) {
		return at(n, "expected keys and values, found %s", describe(n))
	}
	fields := map[string]int{}
	var names []string
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		name, _, _ := strings.Cut(tag.Get("json"), ",")
		if own, _, _ := strings.Cut(tag.Get("yaml"), ","); own != "" && own != "-" { // where the stored name is another's
			name = own
		}
		if name != "" && tag.Get("yaml") != "-" {
			fields[name] = i
			names = append(names, name)
		}
	}
	for _, e := range entries(n) {
		key := e.Key.GetToken().Value
		i, ok := fields[key]
		if !ok {
			return at(e.Key, "unknown key %s%s; there are %s", search.Quoted(key), didYouMean(key, names), strings.Join(names, ", "))
		}
		if value(e.Value).Type() == ast.NullType {
			return noValue(e)
		}
		if err := decode(e.Value, v.Field(i).Addr().Interface()); err != nil {
			return err
		}
		if f := v.Field(i); f.Kind() == reflect.String && f.Len() == 0 {
			return at(e.Value, "%s is an empty text: write a value, or leave the key out", key)
		}
	}
	return nil
}

// assign puts a plain value into v if it is of its kind.
func assign(n ast.Node, v reflect.Value, x any) error {
	switch k := v.Kind(); {
	case k == reflect.Interface:
		v.Set(reflect.ValueOf(x))
		return nil
	case k == reflect.Map:
		m, ok := x.(map[string]any)
		if !ok {
			return at(n, "expected keys and values, found %s", describe(n))
		}
		if v.Type().Elem().Kind() == reflect.String {
			v.Set(reflect.MakeMap(v.Type()))
			for k, x := range m {
				switch x.(type) {
				case map[string]any, []any, nil:
					return at(n, "%s: expected a text", k)
				}
				v.SetMapIndex(reflect.ValueOf(k), reflect.ValueOf(fmt.Sprint(x)))
			}
			return nil
		}
		v.Set(reflect.ValueOf(m).Convert(v.Type()))
		return nil
	case k == reflect.String:
		if s, ok := x.(string); ok {
			v.SetString(s)
			return nil
		}
		return at(n, "expected a text, found %s: put it in quotes if it is one", describe(n))
	case k == reflect.Bool:
		if b, ok := x.(bool); ok {
			v.SetBool(b)
			return nil
		}
		return at(n, "expected true or false, found %s", describe(n))
	case v.CanInt():
		switch i := x.(type) {
		case int:
			v.SetInt(int64(i))
			return nil
		case float64:
			if i == math.Trunc(i) && math.Abs(i) < 1<<53 {
				v.SetInt(int64(i))
				return nil
			}
		}
		return at(n, "expected a whole number, found %s", describe(n))
	case v.CanUint():
		if i, ok := x.(int); ok && i >= 0 {
			v.SetUint(uint64(i))
			return nil
		}
		return at(n, "expected a whole number of at least 0, found %s", describe(n))
	case v.CanFloat():
		switch f := x.(type) {
		case int:
			v.SetFloat(float64(f))
			return nil
		case float64:
			v.SetFloat(f)
			return nil
		}
		return at(n, "expected a number, found %s", describe(n))
	}
	return at(n, "expected %s, found %s", v.Type(), describe(n))
}

// plain is a node as strings, ints, float64s, bools, []any and map[string]any.
func plain(n ast.Node) (any, error) {
	switch n := value(n).(type) {
	case *ast.NullNode:
		return nil, at(n, "there is no value here: write one, or take this entry out")
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.SequenceNode:
		out := make([]any, len(n.Values))
		for i, e := range n.Values {
			x, err := plain(e)
			if err != nil {
				return nil, err
			}
			out[i] = x
		}
		return out, nil
	case *ast.MappingNode, *ast.MappingValueNode:
		out := map[string]any{}
		for _, e := range entries(n) {
			if value(e.Value).Type() == ast.NullType {
				return nil, noValue(e)
			}
			x, err := plain(e.Value)
			if err != nil {
				return nil, err
			}
			out[e.Key.GetToken().Value] = x
		}
		return out, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.StringNode:
		t := n.GetToken()
		if t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType {
			return t.Value, nil
		}
		text := strings.ReplaceAll(t.Value, "_", "")
		if i, err := strconv.Atoi(text); err == nil {
			return i, nil
		}
		if f, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return f, nil
		}
		return t.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	default:
		return nil, at(n, "%s has no meaning here: expected a number, a text, a list, or keys and values", search.Quoted(n.GetToken().Value))
	}
}

func describe(n ast.Node) string {
	x, err := plain(n)
	if err != nil {
		return n.Type().String()
	}
	switch x := x.(type) {
	case string:
		return search.Quoted(x)
	case int, float64:
		return search.FormatExact(x)
	case []any:
		if len(x) == 0 {
			return "[]"
		}
		return "a list"
	case map[string]any:
		return "keys and values"
	}
	return fmt.Sprint(x)
}

// value unwraps what has a value inside.
func value(n ast.Node) ast.Node {
	if m, ok := n.(*ast.TagNode); ok {
		return value(m.Value)
	}
	return n
}

func isMapping(n ast.Node) bool {
	return n.Type() == ast.MappingType || n.Type() == ast.MappingValueType
}

// entries lists the keys and values of a mapping.
func entries(n ast.Node) []*ast.MappingValueNode {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}
	}
	return nil
}

// find is the node at a path like space[2].name, or the nearest one above it.
func find(n ast.Node, path string) ast.Node {
	step, rest, _ := strings.Cut(path, ".")
	name, index, indexed := strings.Cut(step, "[")
	for _, e := range entries(value(n)) {
		if e.Key.GetToken().Value != name {
			continue
		}
		v := value(e.Value)
		if indexed {
			i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
			if seq, ok := v.(*ast.SequenceNode); ok && err == nil && i < len(seq.Values) {
				v = seq.Values[i]
			}
		}
		if rest == "" {
			if isMapping(v) || v.Type() == ast.SequenceType {
				if indexed {
					return first(v)
				}
				return e.Key
			}
			return v
		}
		return find(v, rest)
	}
	return first(n)
}

// exactly is the value at a path like budget.trials, nil if there is none.
func exactly(n ast.Node, path string) ast.Node {
	step, rest, more := strings.Cut(path, ".")
	for _, e := range entries(value(n)) {
		if e.Key.GetToken().Value != step {
			continue
		}
		if more {
			return exactly(e.Value, rest)
		}
		return value(e.Value)
	}
	return nil
}

// first is the first key of a mapping: a better place to point at than the
// colon behind it.
func first(n ast.Node) ast.Node {
	if es := entries(value(n)); len(es) > 0 {
		return es[0].Key
	}
	return n
}
