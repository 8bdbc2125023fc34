package search

import (
	"fmt"
	"math"
	"strconv"
)

// Constraints are conditions on the parameters of a space that every proposed
// point satisfies. The zero value has none.
//
// A condition compares numbers, texts and bools:
//
//	layers * width <= 512
//	not (act == tanh and lr > 0.1)
//	0.5 <= beta1 < beta2 or opt in [sgd, rmsprop]
//
// There are + - * / % ** and parentheses; abs, exp, log, log2, log10, sqrt, min
// and max; == != < <= > >=, also in chains, and in [a, b]; not, and, or; true and
// false. A word that is no parameter is an option of the choice that it is
// compared with; texts may stand in quotes, and names of parameters in
// backquotes. Numbers that differ by a billionth count as equal.
//
// A comparison with a parameter that does not exist at a point, being in another
// branch, is unknown: a condition that is unknown is satisfied. A comparison with
// a number that is not defined, like log(-1), is false.
type Constraints struct {
	conditions []condition
}

type condition struct {
	text string
	root *expr
}

// ConstraintError says what is wrong with a condition, and where.
type ConstraintError struct {
	Index  int // of the condition
	Text   string
	Column int // from 1 on, in characters; 0 if all of it is meant
	Err    error
}

// Error is the message, in one line.
func (e *ConstraintError) Error() string {
	if e.Column == 0 {
		return fmt.Sprintf("%s: %v", strconv.Quote(Brief(e.Text, 200)), e.Err)
	}
	return fmt.Sprintf("%s, column %d: %v", strconv.Quote(Brief(e.Text, 200)), e.Column, e.Err)
}

// Unwrap is what went wrong there.
func (e *ConstraintError) Unwrap() error { return e.Err }

// Constrain reads conditions on the parameters of a space. The error is a
// [*ConstraintError].
func Constrain(s Space, conditions ...string) (Constraints, error) {
	var out Constraints
	dims := s.Dims()
	for i, text := range conditions {
		root, err := parseCondition(text, dims)
		if err != nil {
			e := &ConstraintError{Index: i, Text: text, Err: err}
			if at, ok := err.(*exprError); ok {
				e.Column, e.Err = at.column+1, at.err
			}
			return Constraints{}, e
		}
		out.conditions = append(out.conditions, condition{text, root})
	}
	return out, nil
}

// None reports whether there are no conditions.
func (c Constraints) None() bool { return len(c.conditions) == 0 }

// Strings lists the conditions as they were written.
func (c Constraints) Strings() []string {
	var out []string
	for _, d := range c.conditions {
		out = append(out, d.text)
	}
	return out
}

// Hold reports whether a point satisfies every condition.
func (c Constraints) Hold(at Point) bool {
	_, broken := c.Broken(at)
	return !broken
}

// Broken is the first condition that a point does not satisfy.
func (c Constraints) Broken(at Point) (text string, broken bool) {
	for _, d := range c.conditions {
		if d.root.miss(at, true) > 0 {
			return d.text, true
		}
	}
	return "", false
}

// Violation measures by how much a point misses the conditions: 0 if it
// satisfies them all.
func (c Constraints) Violation(at Point) float64 {
	sum := 0.
	for _, d := range c.conditions {
		sum += d.root.miss(at, true)
	}
	return sum
}

// miss is by how much an expression misses being true, or false; 0 if it is as
// wanted, or unknown.
func (e *expr) miss(at Point, want bool) float64 {
	switch e.op {
	case "not":
		return e.args[0].miss(at, !want)
	case "and", "or":
		a, b := e.args[0].miss(at, want), e.args[1].miss(at, want)
		if (e.op == "and") == want {
			return a + b
		}
		return min(a, b)
	case "in":
		v, ok := e.args[0].scalar(at)
		if !ok {
			return 0
		}
		found := false
		for _, a := range e.args[1:] {
			w, _ := a.scalar(at)
			found = found || sameScalar(v, w)
		}
		return off(found == want)
	case "==", "!=", "<", "<=", ">", ">=":
		return e.compare(at, want)
	}
	v, ok := e.scalar(at) // a bool parameter or literal
	if !ok {
		return 0
	}
	b, _ := v.(bool)
	return off(b == want)
}

func off(fine bool) float64 {
	if fine {
		return 0
	}
	return 1
}

// compare is the miss of a comparison.
func (e *expr) compare(at Point, want bool) float64 {
	if e.args[0].kind != kindNumber || e.args[1].kind != kindNumber {
		a, aok := e.args[0].scalar(at)
		b, bok := e.args[1].scalar(at)
		if !aok || !bok {
			return 0
		}
		return off((sameScalar(a, b) == (e.op == "==")) == want)
	}
	a, aok := e.args[0].number(at)
	b, bok := e.args[1].number(at)
	switch {
	case !aok || !bok:
		return 0
	case math.IsNaN(a) || math.IsNaN(b):
		return off(!want)
	}
	const tolerance = 1e-9
	scale := max(math.Abs(a), math.Abs(b))
	equal := a == b || !math.IsInf(scale, 0) && math.Abs(a-b) <= tolerance*scale
	var holds bool
	switch e.op {
	case "==":
		holds = equal
	case "!=":
		holds = !equal
	case "<":
		holds = a < b && !equal
	case "<=":
		holds = a < b || equal
	case ">":
		holds = a > b && !equal
	case ">=":
		holds = a > b || equal
	}
	if holds == want {
		return 0
	}
	gap := math.Abs(a - b)
	if equal || math.IsInf(gap, 0) {
		gap = scale * tolerance
	}
	if math.IsInf(scale, 0) {
		return 1
	}
	return max(gap/(1+scale), math.SmallestNonzeroFloat64)
}

// number is the value of a numeric expression; ok is false if a parameter in it
// does not exist at the point.
func (e *expr) number(at Point) (x float64, ok bool) {
	switch e.op {
	case "number":
		return e.num, true
	case "name":
		v := at.Value(e.text)
		if v == nil {
			return 0, false
		}
		return Number(v)
	}
	var args [2]float64
	all := args[:0]
	for _, a := range e.args {
		x, ok := a.number(at)
		if !ok {
			return 0, false
		}
		all = append(all, x)
	}
	return e.apply(all), true
}

// apply computes an operation.
func (e *expr) apply(x []float64) float64 {
	switch e.op {
	case "neg":
		return -x[0]
	case "+":
		return x[0] + x[1]
	case "-":
		return x[0] - x[1]
	case "*":
		return x[0] * x[1]
	case "/":
		if x[1] == 0 {
			return math.NaN()
		}
		return x[0] / x[1]
	case "%":
		return math.Mod(x[0], x[1])
	case "**":
		return math.Pow(x[0], x[1])
	case "min", "max":
		out := x[0]
		for _, v := range x[1:] {
			if e.op == "min" {
				out = min(out, v)
			} else {
				out = max(out, v)
			}
		}
		return out
	}
	return functions[e.op](x[0])
}

// scalar is the value of an operand that may be a text or a bool.
func (e *expr) scalar(at Point) (any, bool) {
	switch e.op {
	case "text":
		return e.text, true
	case "bool":
		return e.num != 0, true
	case "name":
		v := at.Value(e.text)
		return v, v != nil
	}
	if e.kind == kindBool { // a condition in parentheses; unknown if it holds either way
		holds := e.miss(at, true) == 0
		return holds, holds != (e.miss(at, false) == 0)
	}
	return e.number(at)
}
