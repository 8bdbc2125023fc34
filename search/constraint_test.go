package search_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

// tuned is a space with a choice, a bool, an ordinal and a branch.
func tuned() search.Space {
	return search.Space{
		search.Int("layers", 1, 8), search.Int("width", 16, 512, search.Log),
		search.LogFloat("lr", 1e-5, 1), search.Float("beta1", 0, .999), search.Float("beta2", 0, .9999),
		search.Choice("act", "relu", "tanh"), search.Choice("norm", true, false), search.Ordinal("kernel", 1, 3, 5),
		search.Choice("opt", "adam", "sgd").When("sgd", search.Float("mom", 0, 1)),
		search.Float("weird name", -1, 1), search.Choice("tanh2", "relu", "3"),
	}
}

func TestConstraintsHold(t *testing.T) {
	p := search.Params{"layers": 4, "width": 128, "lr": .1, "beta1": .9, "beta2": .99, "act": "tanh", "norm": true, "kernel": 3,
		"opt": "adam", "weird name": -.5, "tanh2": "relu"}
	for text, want := range map[string]bool{
		"layers * width <= 512":                   true,
		"layers * width < 512":                    false,
		"not (act == tanh and lr > 0.05)":         false,
		"not (act == tanh and lr > 0.1)":          true,
		"act != relu":                             true,
		"tanh == act":                             true,
		`act == "tanh"`:                           true,
		"act in [relu, 'tanh']":                   true,
		"not act in [relu]":                       true,
		"kernel in [1, 5]":                        false,
		"beta1 < beta2":                           true,
		"0.5 <= beta1 < beta2 <= 0.99":            true,
		"0.5 <= beta1 < beta2 < 0.99":             false,
		"norm":                                    true,
		"not norm":                                false,
		"norm == false":                           false,
		"true":                                    true,
		"norm or layers > 100":                    true,
		"layers > 100 or norm and kernel == 3":    true,
		"2 ** layers == 16":                       true,
		"-2 ** 2 == -4":                           true,
		"2 ** 3 ** 2 == 512":                      true,
		"layers % 3 == 1":                         true,
		"10 - 3 - 2 == 5":                         true,
		"8 / 4 / 2 == 1":                          true,
		"log2(width) == 7":                        true,
		"max(layers, kernel, 3.5) == layers":      true,
		"min(layers, kernel) + abs(-1) == 4":      true,
		"sqrt(layers) == 2 and log10(lr) == -1":   true,
		"`weird name` < 0":                        true,
		"mom > 0.5":                               true, // unknown: mom does not exist
		"not mom > 0.5":                           true,
		"mom > 0.5 and layers == 1":               false,
		"opt == adam or mom > 0.5":                true,
		"log(`weird name`) < 5":                   false, // not defined
		"not log(`weird name`) < 5":               true,
		"layers / (kernel - 3) > 0":               false,
		"0.1 + 0.2 == 0.3":                        true,
		"lr == 1e-1 and width == 1.28e2":          true,
		"tanh2 == relu":                           true,
		"tanh2 == '3'":                            false,
		"((((layers)))) >= 4":                     true,
		"act == tanh or act == tanh and not norm": true,
	} {
		c, err := search.Constrain(tuned(), text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := c.Hold(p); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		if v := c.Violation(p); (v == 0) != want || math.IsNaN(v) || v < 0 {
			t.Errorf("%s: violation %v", text, v)
		}
	}
}

func TestConstraintErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                           `"", column 1: expected a parameter or a value, found the end`,
		"layers * widht <= 512":      `column 10: there is no parameter "widht" (did you mean "width"?)`,
		"widht <= 512":               `column 1: there is no parameter "widht" (did you mean "width"?)`,
		"`widht` <= 512":             `column 1: there is no parameter "widht"`,
		"act == tahn":                `column 8: "tahn" is not an option of act (did you mean "tanh"?); there are [relu tanh]`,
		"act == 'gelu'":              `column 8: "gelu" is not an option of act (did you mean "relu"?); there are [relu tanh]`,
		"act in [relu, gelu]":        `column 15: "gelu" is not an option of act`,
		"act in relu":                `column 8: expected "[", found "relu"`,
		"act in [relu":               `column 13: expected "]", found the end`,
		"act in [lr]":                "column 9: a list holds values, not expressions",
		"act == 3":                   `column 5: the parameter act, a text can never equal the number 3`,
		"norm == 1":                  "can never equal",
		"act < tanh":                 "column 1: < compares numbers, and this is the parameter act, a text",
		"layers + act > 3":           "column 10: expected a number, found the parameter act, a text",
		"layers":                     "column 1: expected a condition like a <= b, found the parameter layers, a number",
		"layers + 1":                 "column 8: expected a condition like a <= b",
		"layers and norm":            "column 1: expected a condition",
		"not layers":                 "column 5: expected a condition",
		"layers = 3":                 `column 8: "=" has no meaning in a condition`,
		"layers && norm":             `column 8: "&" has no meaning in a condition`,
		"layers <":                   "column 9: expected a parameter or a value, found the end",
		"layers < 3 4":               `column 12: "4" does not belong here`,
		"(layers < 3":                `column 12: expected ")", found the end`,
		"layers < 3)":                `column 11: ")" does not belong here`,
		"layers < 1.2.3":             `column 10: "1.2.3" is not a number`,
		"layers < 1e999":             "is not a number",
		"'a' == 'b":                  "column 8: ' is not closed",
		"lgo(lr) < 3":                `column 1: there is no function "lgo" (did you mean "log"?)`,
		"sqrt(lr, 2) < 3":            "column 1: sqrt takes one number, not 2",
		"and layers":                 `column 1: expected a parameter or a value, found "and"`,
		"layers < or":                `found "or"`,
		strings.Repeat("(", 1000):    "nested too deeply",
		strings.Repeat("-", 1000):    "nested too deeply",
		strings.Repeat("not ", 1000): "nested too deeply",
	} {
		_, err := search.Constrain(tuned(), "norm", text)
		var e *search.ConstraintError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Index != 1 {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
}

func FuzzConstrain(f *testing.F) {
	for _, s := range []string{"layers * width <= 512", "not (act == tanh and lr > 0.1)", "a in [1, 'b']", "`x", "log(-1) < 1 <= 2", "norm == (layers < 3)"} {
		f.Add(s)
	}
	space := tuned()
	p := space.Sample(search.Rand(1, 1))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := search.Constrain(space, text)
		if err == nil && c.Hold(p) != (c.Violation(p) == 0) {
			t.Errorf("%q: holds %v, violation %v", text, c.Hold(p), c.Violation(p))
		}
	})
}

func TestRepairReachesNarrowRegions(t *testing.T) {
	box := search.Space{search.Float("a", 0, 1), search.Float("b", 0, 1), search.Float("c", 0, 1), search.LogFloat("d", 1e-6, 1)}
	for _, conditions := range [][]string{
		{"a + b + c <= 0.01"},
		{"a + b == 1"},
		{"a + b + c == 1", "a < 0.001"},
		{"abs(a - 0.123456) < 1e-6"},
		{"a * b * c > 0.98"},
		{"a < b < c < a + 0.001"},
		{"d < 2e-6", "a ** 2 + b ** 2 < 1e-4"},
		{"a == b == c"},
	} {
		c, err := search.Constrain(box, conditions...)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(20) {
			r := search.Rand(seed, 0)
			p, ok := c.Repair(box, box.Sample(r), r)
			if !ok {
				t.Errorf("%v, seed %d: not repaired", conditions, seed)
			} else if text, broken := c.Broken(p); broken {
				t.Errorf("%v: %v breaks %s", conditions, p, text)
			}
		}
		if err := c.Satisfiable(box); err != nil {
			t.Error(err)
		}
	}
}

func TestRepairKeepsWhatHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := searchtest.DrawSpace(t)
		c, err := search.Constrain(s, searchtest.DrawConditions(t, s)...)
		if err != nil {
			t.Fatal(err)
		}
		r := search.Rand(rapid.Uint64().Draw(t, "seed"), 0)
		p := s.Sample(r)
		q, ok := c.Repair(s, p, r)
		switch {
		case c.Hold(p) && (!ok || q.Key() != p.Key()):
			t.Fatalf("%v holds at %v and was changed to %v", c.Strings(), p, q)
		case ok && !c.Hold(q):
			t.Fatalf("%v is broken by %v", c.Strings(), q)
		case ok:
			if _, err := s.Check(q); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestUnsatisfiable(t *testing.T) {
	finite := search.Space{search.Int("a", 1, 9), search.Int("b", 1, 9)}
	endless := search.Space{search.Float("a", 1, 9), search.Float("b", 1, 9)}
	for _, c := range []struct {
		space      search.Space
		conditions []string
		want       string
	}{
		{finite, []string{"a + b > 18"}, `"a + b > 18": no point of the space satisfies it`},
		{finite, []string{"a < b", "b < a"}, "no point of the space satisfies all 2 constraints"},
		{finite, []string{"a < b", "b > 9"}, `"b > 9": no point of the space satisfies it`},
		{endless, []string{"a + b > 18"}, `"a + b > 18": no point of the space was found that satisfies it`},
		{endless, []string{"a < b", "b < a"}, "no point of the space was found that satisfies all 2 constraints"},
		{finite, []string{"a == 9", "b == 1"}, ""},
		{endless, []string{"a + b >= 18"}, ""},
		{nil, []string{"1 > 2"}, "no point"},
	} {
		cs, err := search.Constrain(c.space, c.conditions...)
		if err != nil {
			t.Fatal(err)
		}
		if err := cs.Satisfiable(c.space); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.conditions, err, c.want)
		}
	}
}
