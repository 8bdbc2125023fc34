package nas

import (
	"fmt"
	"math"
	"strings"

	"budwood/search"
)

// readDim reads an attribute: 3, [3, 5] (ordered), {choice: [3, 5]}, {int: [8,
// 64], step: 8, log: true} or {float: [0, 0.5]}.
func readDim(name string, v any, path string) (*search.Dim, error) {
	spec := search.ParamSpec{Name: name}
	switch v := v.(type) {
	case []any:
		spec.Ordinal = options(v)
	case map[string]any:
		for _, key := range names(v) {
			var err error
			switch key {
			case "int":
				var b [2]float64
				b, err = readBounds(v[key], join(path, key))
				spec.Int = []int{int(b[0]), int(b[1])}
			case "float":
				var b [2]float64
				b, err = readPair(v[key], join(path, key))
				spec.Float = b[:]
			case "choice", "ordinal":
				list, ok := v[key].([]any)
				if !ok {
					return nil, wrong(join(path, key), "needs a list of values")
				}
				if key == "choice" {
					spec.Choice = options(list)
				} else {
					spec.Ordinal = options(list)
				}
			case "log":
				var ok bool
				if spec.Log, ok = v[key].(bool); !ok {
					return nil, wrong(join(path, key), "is true or false, not %s", search.FormatExact(v[key]))
				}
			case "step":
				var ok bool
				if spec.Step, ok = search.Number(v[key]); !ok {
					return nil, wrong(join(path, key), "%s is not a number", search.FormatExact(v[key]))
				}
			default:
				return nil, wrong(join(path, key), "is unknown: write int, float, choice or ordinal, with log and step")
			}
			if err != nil {
				return nil, err
			}
		}
	default:
		spec.Ordinal = options([]any{v})
	}
	space, err := search.FromSpecs([]search.ParamSpec{spec})
	if err != nil {
		return nil, wrong(path, "%s", strings.TrimPrefix(err.Error(), name+": "))
	}
	return space[0].Dim(), nil
}

func options(values []any) []search.OptionSpec {
	out := make([]search.OptionSpec, len(values))
	for i, v := range values {
		out[i].Value = v
	}
	return out
}

// readBounds reads [lo, hi] in whole numbers, or one number for both.
func readBounds(v any, path string) ([2]float64, error) {
	if n, err := readInt(v, path); err == nil {
		return [2]float64{float64(n), float64(n)}, nil
	}
	b, err := readPair(v, path)
	if err == nil && (!whole(b[0]) || !whole(b[1])) {
		err = wrong(path, "[%s, %s] are not whole numbers", search.FormatExact(b[0]), search.FormatExact(b[1]))
	}
	return b, err
}

func readPair(v any, path string) (b [2]float64, err error) {
	list, ok := v.([]any)
	if !ok || len(list) != 2 {
		return b, wrong(path, "needs two bounds, [lo, hi], not %s", search.FormatExact(v))
	}
	for i := range b {
		if b[i], ok = search.Number(list[i]); !ok {
			return b, wrong(fmt.Sprintf("%s[%d]", path, i), "%s is not a number", search.FormatExact(list[i]))
		}
	}
	return b, nil
}

func readInt(v any, path string) (int, error) {
	x, ok := search.Number(v)
	if !ok || !whole(x) {
		return 0, wrong(path, "%s is not a whole number", search.FormatExact(v))
	}
	return int(x), nil
}

func whole(x float64) bool { return x == math.Trunc(x) && math.Abs(x) <= 1<<53 }
