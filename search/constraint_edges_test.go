package search_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

// How far a point is from satisfying a condition: 1 if nothing can be measured,
// else the distance by the larger of the two sides; sums over "and", the least
// over "or".
func TestViolationIsMeasured(t *testing.T) {
	s := append(tuned(), search.Float("big", 0, 1000), search.Float("a_b.c", 0, 1), search.Float("_x1", 0, 1))
	p := search.Params{"layers": 4, "width": 128, "lr": .1, "beta1": .9, "beta2": .99, "act": "tanh", "norm": true, "kernel": 3,
		"opt": "adam", "weird name": -.5, "tanh2": "relu", "big": 1000., "a_b.c": 1., "_x1": 1.}
	tiny := 4 * 1e-9 / 5 // what makes numbers around 4 differ
	for text, want := range map[string]float64{
		"layers < 2":                             2. / 5,
		"layers >= 6":                            2. / 7,
		"-layers > -2":                           2. / 5,
		"layers != 4":                            tiny,
		"layers < 4":                             tiny,
		"layers > 4":                             tiny,
		"not layers == 4":                        tiny,
		"not layers <= 4":                        tiny,
		"not layers >= 4":                        tiny,
		"layers == 4.000000003":                  0,
		"layers < 4.000000003":                   4.000000003 * 1e-9 / 5.000000003,
		"layers == 4.00001":                      (4.00001 - 4) / 5.00001,
		"layers < 2 and kernel < 2":              2./5 + 1./4,
		"layers < 2 or kernel < 2":               1. / 4,
		"not (layers >= 2 and kernel >= 2)":      1. / 4,
		"not (layers >= 2 or kernel >= 2)":       2./5 + 1./4,
		"act == relu":                            1,
		"act == relu and layers < 2":             7. / 5,
		"norm == false":                          1,
		"not norm":                               1,
		"kernel in [1, 5]":                       1,
		"not kernel in [3]":                      1,
		"exp(big) < 1":                           1,
		"exp(big) > 1":                           0,
		"exp(big) == 1":                          1,
		"exp(big) <= 1":                          1,
		"exp(big) >= 1":                          0,
		"not exp(big) != 1":                      1,
		"exp(big) == exp(big)":                   0,
		"exp(big) <= exp(big)":                   0,
		"exp(big) < exp(big)":                    1,
		"exp(big) - exp(big) < 1":                1, // inf - inf is not a number
		"1 < exp(big) - exp(big)":                1,
		"not 1 < exp(big) - exp(big)":            0,
		"not exp(big) - exp(big) < 1":            0,
		"layers % (kernel - 3) == 0":             1,
		"mom in [0.5]":                           0,
		"not mom in [0.5]":                       0,
		"mom + 1 == 9 and layers < 2":            2. / 5,
		"0 == 1e-300":                            math.SmallestNonzeroFloat64 * math.Round(1e-300/math.SmallestNonzeroFloat64),
		"max(layers, kernel) == 3":               1. / 5,
		"min(layers, kernel, 2) == 3":            1. / 4,
		"`weird name` in [-0.5, 3]":              0,
		"`weird name` in [0.5, 3]":               1,
		"layers ** -1 == .25":                    0,
		"abs(`weird name`) == .5":                0,
		"exp(0) == 1 and log(1) == 0":            0,
		"a_b.c > 0.5 and _x1 == 1":               0,
		"layers == 1_0 - 6":                      0,
		"layers == 400E-2 and layers == .4e+1":   0,
		"layers - kernel + 1 == 2":               0,
		"layers * kernel / 2 == 6":               0,
		"true and (false or norm)":               0,
		"'relu' == tanh2":                        0,
		"norm == true and norm != (layers == 3)": 0,
		"norm == (layers == 3)":                  1,
		"(layers > 3 or 1 > 2) != norm":          1,
		"(layers > 3) in [true]":                 0,
		"norm != (mom > 3)":                      0,
		"not norm == (not mom > 3)":              0,
		"norm == (mom > 3 or layers == 4)":       0,
		"(layers == 4) == norm":                  0,
	} {
		c, err := search.Constrain(s, text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := c.Violation(p); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	both, err := search.Constrain(s, "layers < 2", "kernel < 2", "norm")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := both.Violation(p), 2./5+1./4; math.Abs(got-want) > 1e-12 {
		t.Errorf("%v, want the sum %v", got, want)
	}
	if text, broken := both.Broken(p); text != "layers < 2" || !broken {
		t.Errorf("the first that is broken is %q, %v", text, broken)
	}
	if got := both.Strings(); !slices.Equal(got, []string{"layers < 2", "kernel < 2", "norm"}) || both.None() {
		t.Errorf("%q", got)
	}
	if none := (search.Constraints{}); !none.None() || none.Strings() != nil || !none.Hold(p) || none.Violation(p) != 0 || none.Satisfiable(s) != nil {
		t.Error("no constraints, and yet some")
	}
}

// A choice among values of several kinds is compared with any of them.
func TestConstraintsOnMixedChoices(t *testing.T) {
	mixed := &search.Dim{Name: "m", Kind: search.KindChoice, Options: []search.Option{{Value: "auto"}, {Value: 3}, {Value: true}}}
	numbers := search.Choice("n", 1, 2)
	s := search.Space{mixed, numbers, search.Choice("a", "auto", "none"), search.Choice("b", "auto", "most")}
	for text, want := range map[string][2]bool{ // with m = auto, and with m = 3
		"3 == m": {false, true}, "'auto' == m": {true, false}, "m == auto": {true, false}, "m == 3": {false, true}, "m != true": {true, true}, "m in [auto, 3]": {true, true},
		"m == n + 2": {false, true}, "m == a": {true, false}, "a == b": {true, true}, "a != b": {false, false},
	} {
		c, err := search.Constrain(s, text)
		if err != nil {
			t.Error(err)
			continue
		}
		for i, m := range []any{"auto", 3} {
			if got := c.Hold(search.Params{"m": m, "n": 1, "a": "auto", "b": "auto"}); got != want[i] {
				t.Errorf("%s with m = %v: %v", text, m, got)
			}
		}
		for _, missing := range []string{"m", "a", "b"} { // unknown is satisfied
			p := search.Params{"m": 3, "n": 1, "a": "auto", "b": "most"}
			if delete(p, missing); strings.Contains(text, missing+" ") && !c.Hold(p) {
				t.Errorf("%s without %s does not hold", text, missing)
			}
		}
	}
	for text, want := range map[string]string{
		"m < 4":     "< compares numbers, and this is the parameter m, a choice of mixed values",
		"m + 1 > 4": "expected a number, found the parameter m, a choice of mixed values",
		"m":         "expected a condition like a <= b, found the parameter m, a choice of mixed values",
		"m == aut":  `"aut" is not an option of m (did you mean "auto"?); there are [auto 3 true]`,
		"m == n2":   `"n2" is not an option of m (did you mean "n"?)`,
		"n == a":    "the parameter n, a number can never equal the parameter a, a text",
	} {
		if _, err := search.Constrain(s, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Where the text of a condition ends to make sense, in characters.
func TestConstraintErrorsSayWhere(t *testing.T) {
	for text, want := range map[string]string{
		"layers '<' 3":              `column 8: "<" does not belong here`,
		"layers < 3 'or' norm":      `column 12: "or" does not belong here`,
		"layers < ) 3":              `column 10: expected a parameter or a value, found ")"`,
		"layers < , 3":              `column 10: expected a parameter or a value, found ","`,
		"layers < log(act)":         `column 14: expected a number, found the parameter act, a text`,
		"layers < log(":             `column 14: expected a parameter or a value, found the end`,
		"layers < log(3":            `column 15: expected ")", found the end`,
		"layers < min(3, act)":      `column 17: expected a number, found the parameter act, a text`,
		"layers < act ** 2":         `column 10: expected a number, found the parameter act, a text`,
		"layers < 2 ** act":         `column 15: expected a number, found the parameter act, a text`,
		"layers < 2 **":             `column 14: expected a parameter or a value, found the end`,
		"layers < -act":             `column 11: expected a number, found the parameter act, a text`,
		"layers < -":                `column 11: expected a parameter or a value, found the end`,
		"act + 1 < 3":               `column 1: expected a number, found the parameter act, a text`,
		"layers * 'x' < 3":          `column 10: expected a number, found the text "x"`,
		"layers + norm < 3":         `column 10: expected a number, found the parameter norm, a condition`,
		"layers + (1 < 2) < 3":      `column 13: expected a number, found a condition`,
		"layers in [1, 2 + 1]":      `column 17: a list holds values, not expressions`,
		"layers in [act]":           `column 12: a list holds values, not expressions`,
		"layers in [log(1)]":        `column 12: a list holds values, not expressions`,
		"layers in ['x']":           `column 12: the parameter layers, a number can never equal the text "x"`,
		"layers in [":               `column 12: expected a parameter or a value, found the end`,
		"layers in [1 2]":           `column 14: expected "]", found "2"`,
		"layers < width < ":         `column 18: expected a parameter or a value, found the end`,
		"layers < width < act":      `column 16: expected`,
		"tanh < 3":                  `column 1: there is no parameter "tanh" (did you mean "tanh2"?)`,
		"tanh == relu":              `column 1: there is no parameter "tanh"`,
		"layers < 1..2":             `column 10: "1..2" is not a number`,
		"layers < .":                `column 10: "." has no meaning in a condition`,
		"layers . 3":                `column 8: "." has no meaning in a condition`,
		"größer < 3 and layers < ;": `column 25: ";" has no meaning in a condition`,
		"layers ! 3":                `column 8: "!" has no meaning in a condition`,
		"layers < 3 and":            `column 15: expected a parameter or a value, found the end`,
		"norm and layers":           `column 10: expected a condition like a <= b, found the parameter layers, a number`,
		"(layers < 3":               `column 12: expected ")", found the end`,
		"(layers <)":                `column 10: expected a parameter or a value, found ")"`,
		"not":                       `column 4: expected a parameter or a value, found the end`,
		"(log)(3) < 1":              `column 6: "(" does not belong here`,
		"log '(' < 3":               `column 5: "(" does not belong here`,
		"max() < 3":                 `column 5: expected a parameter or a value, found ")"`,
		"act == `tanh`":             `column 8: there is no parameter "tanh"`,
		"layers < 3 and 'x":         `column 16: ' is not closed`,
	} {
		if strings.HasPrefix(text, "layers < width < act") {
			want = "< compares numbers, and this is the parameter act, a text"
		}
		_, err := search.Constrain(tuned(), text)
		var e *search.ConstraintError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) || e.Index != 0 || e.Text != text {
			t.Errorf("%s: error %v, want %q", text, err, want)
		}
	}
	whole := &search.ConstraintError{Text: "a < 1", Err: errors.New("no")}
	if got := whole.Error(); got != `"a < 1": no` {
		t.Error(got)
	}
	long := strings.Repeat("a", 201)
	if got := (&search.ConstraintError{Text: long, Err: errors.New("no")}).Error(); got != `"`+long[:199]+`…": no` {
		t.Error(got)
	}
	if got := (&search.ConstraintError{Text: long[:200], Err: errors.New("no")}).Error(); got != `"`+long[:200]+`": no` {
		t.Error(got)
	}
}

// What is nested up to a hundred deep is read, and what is deeper is refused.
func TestConstraintsNestToALimit(t *testing.T) {
	for _, c := range []struct{ open, inner, end string }{
		{"not ", "norm", ""}, {"-", "layers < 3", ""}, {"(", "norm", ")"}, {"2 ** ", "layers < 3", ""},
	} {
		deepest := 0
		for n := 1; n <= 200; n++ {
			_, err := search.Constrain(tuned(), strings.Repeat(c.open, n)+c.inner+strings.Repeat(c.end, n))
			switch {
			case err == nil && deepest == n-1:
				deepest = n
			case err == nil:
				t.Errorf("%q is read %d deep, but not %d", c.open, n, deepest+1)
			case !strings.Contains(err.Error(), "nested too deeply"):
				t.Errorf("%q: %v", c.open, err)
			}
		}
		if want := map[string]int{"(": 49}[c.open]; deepest != want && deepest != 99 {
			t.Errorf("%q is read %d deep", c.open, deepest)
		}
	}
	// Depth is that of nesting, not of length.
	many := strings.Repeat("not norm and (norm or -layers < 2) and 2 ** 2 == 4 and ", 200) + "norm"
	if _, err := search.Constrain(tuned(), many); err != nil {
		t.Errorf("a long condition: %.80v", err)
	}
}
