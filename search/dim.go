package search

import (
	"fmt"
	"math"
	"reflect"
)

// Kind says what values a dimension takes.
type Kind string

// The kinds of dimension.
const (
	KindFloat  Kind = "float"  // float64 in [Lo, Hi]
	KindInt    Kind = "int"    // int in [Lo, Hi]
	KindChoice Kind = "choice" // one of Options
)

// Dim is the definition of one parameter: the plain data that samplers read.
// The typed keys ([FloatParam], [IntParam], [ChoiceParam]) carry one, and so
// does a space read from a file.
type Dim struct {
	Name    string
	Kind    Kind
	Lo, Hi  float64  // inclusive bounds of a float or int
	Log     bool     // spread evenly over the logarithm
	Step    float64  // distance of neighbouring values from Lo on; 0 means none (float) or 1 (int)
	Options []Option // values of a choice, in order
	Ordered bool     // the order of Options means something (an ordinal)
	Default any      // of trials that were made before the parameter was there; nil means none
}

// Option is one value of a choice, and the parameters that exist only when it
// is chosen.
type Option struct {
	Value any // string, int, float64 or bool
	Space Space
}

// Dim makes a definition usable as a [Param].
func (d *Dim) Dim() *Dim { return d }

// Size is the number of distinct values, or 0 for a continuous dimension.
// Branches below a choice do not count.
func (d *Dim) Size() int {
	switch {
	case d.Kind == KindChoice:
		return len(d.Options)
	case d.Kind == KindFloat && d.Step == 0:
		if d.Lo == d.Hi {
			return 1
		}
		return 0
	}
	if s := int64(d.step()); d.Kind == KindInt && s > 0 { // exact, also beyond what a float64 tells apart
		return int((int64(d.Hi)-int64(d.Lo))/s) + 1
	}
	return int(math.Floor((d.Hi-d.Lo)/d.step()*(1+1e-12))) + 1
}

func (d *Dim) step() float64 {
	if d.Kind == KindInt && d.Step == 0 {
		return 1
	}
	return d.Step
}

// Decode maps u in [0,1] to a value; a uniform u gives the prior (uniform, or
// uniform in the logarithm, over the values).
func (d *Dim) Decode(u float64) any {
	if !(u > 0) { // NaN too
		u = 0
	}
	u = min(u, 1)
	if d.Kind == KindChoice {
		return d.Options[d.cell(u)].Value
	}
	if d.Kind == KindFloat && d.Step == 0 {
		switch {
		case u == 0: // the bounds themselves, not their neighbours
			return d.Lo
		case u == 1:
			return d.Hi
		case d.Log:
			return min(max(math.Exp(math.Log(d.Lo)+u*(math.Log(d.Hi)-math.Log(d.Lo))), d.Lo), d.Hi)
		}
		return min(d.Lo+u*(d.Hi-d.Lo), d.Hi)
	}
	if !d.Log {
		return d.nth(d.cell(u))
	}
	lo, hi := d.logEdges()
	v := math.Exp(lo + u*(hi-lo))
	return d.nth(int(math.Round((v - d.Lo) / d.step())))
}

// Encode maps a value to [0,1], the inverse of [Dim.Decode]; a discrete value
// gives a point inside its cell. The value must belong to the dimension
// ([Dim.Check]).
func (d *Dim) Encode(v any) (float64, error) {
	if d.Kind == KindChoice {
		i := d.Index(v)
		if i < 0 {
			return 0, fmt.Errorf("%s: %v is none of %v", d.Name, v, d.values())
		}
		return (float64(i) + .5) / float64(len(d.Options)), nil
	}
	x, err := d.number(v)
	if err != nil {
		return 0, err
	}
	switch {
	case d.Lo == d.Hi:
		return .5, nil
	case d.Kind == KindFloat && d.Step == 0 && d.Log:
		return (math.Log(x) - math.Log(d.Lo)) / (math.Log(d.Hi) - math.Log(d.Lo)), nil
	case d.Kind == KindFloat && d.Step == 0:
		return (x - d.Lo) / (d.Hi - d.Lo), nil
	case d.Log:
		lo, hi := d.logEdges()
		return (math.Log(x) - lo) / (hi - lo), nil
	}
	return (math.Round((x-d.Lo)/d.step()) + .5) / float64(d.Size()), nil
}

// Index is the position of a choice's value among its options, -1 if it is none
// of them.
func (d *Dim) Index(v any) int {
	for i, o := range d.Options {
		if sameScalar(o.Value, v) {
			return i
		}
	}
	return -1
}

// Check returns v as the dimension's own type (an int that came through JSON as
// float64 3 is int 3 again), or an error that says what was expected.
func (d *Dim) Check(v any) (any, error) {
	if d.Kind == KindChoice {
		if i := d.Index(v); i >= 0 {
			return d.Options[i].Value, nil
		}
		return nil, fmt.Errorf("%s: %v is none of %v", d.Name, v, d.values())
	}
	x, err := d.number(v)
	if err != nil {
		return nil, err
	}
	if d.Kind == KindInt {
		return int(x), nil
	}
	return x, nil
}

// number reads a value of a float or int dimension.
func (d *Dim) number(v any) (float64, error) {
	x, ok := Number(v)
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		return 0, fmt.Errorf("%s: %s is not a finite number", d.Name, FormatExact(v))
	}
	if x < d.Lo || x > d.Hi {
		return 0, fmt.Errorf("%s: %s is outside [%s, %s]", d.Name, FormatExact(v), FormatExact(d.Lo), FormatExact(d.Hi))
	}
	if d.Kind == KindInt && x != math.Trunc(x) {
		return 0, fmt.Errorf("%s: %s is not a whole number", d.Name, FormatExact(v))
	}
	if s := d.step(); s > 0 {
		tol := 1e-6 + 4*ulp(max(math.Abs(d.Lo), math.Abs(d.Hi)))/s
		if n := (x - d.Lo) / s; math.Abs(n-math.Round(n)) > tol {
			return 0, fmt.Errorf("%s: %s is not %s plus a multiple of %s", d.Name, FormatExact(v), FormatExact(d.Lo), FormatExact(s))
		}
	}
	return x, nil
}

// validate says what is wrong with the definition itself.
func (d *Dim) validate() error {
	if err := d.validateRange(); err != nil || d.Default == nil {
		return err
	}
	if _, err := d.Check(d.Default); err != nil {
		return fmt.Errorf("the default of %w", err)
	}
	return nil
}

func (d *Dim) validateRange() error {
	if d.Name == "" {
		return fmt.Errorf("a parameter has no name")
	}
	if d.Kind == KindChoice {
		if len(d.Options) == 0 {
			return fmt.Errorf("%s: a choice needs at least one value", d.Name)
		}
		for i, o := range d.Options {
			switch o.Value.(type) {
			case string, int, float64, bool:
			default:
				return fmt.Errorf("%s: value %s is not a string, number or bool", d.Name, FormatExact(o.Value))
			}
			if d.Index(o.Value) != i {
				return fmt.Errorf("%s: value %v stands twice", d.Name, o.Value)
			}
		}
		return nil
	}
	if d.Kind != KindFloat && d.Kind != KindInt {
		return fmt.Errorf("%s: unknown kind %q", d.Name, d.Kind)
	}
	for _, x := range []float64{d.Lo, d.Hi, d.Step} {
		if math.IsNaN(x) || math.IsInf(x, 0) || math.Abs(x) > 1<<53 && d.Kind == KindInt {
			return fmt.Errorf("%s: bounds and step must be finite numbers", d.Name)
		}
	}
	switch {
	case d.Lo > d.Hi:
		return fmt.Errorf("%s: the range [%s, %s] is empty", d.Name, FormatExact(d.Lo), FormatExact(d.Hi))
	case math.IsInf(d.Hi-d.Lo, 0):
		return fmt.Errorf("%s: the range [%s, %s] is too wide", d.Name, FormatExact(d.Lo), FormatExact(d.Hi))
	case d.Log && d.Lo <= 0:
		return fmt.Errorf("%s: a log range must start above 0, not at %s", d.Name, FormatExact(d.Lo))
	case d.Step < 0:
		return fmt.Errorf("%s: step %s is negative", d.Name, FormatExact(d.Step))
	case d.Kind == KindInt && (d.Lo != math.Trunc(d.Lo) || d.Hi != math.Trunc(d.Hi) || d.Step != math.Trunc(d.Step)):
		return fmt.Errorf("%s: bounds and step of an int must be whole numbers", d.Name)
	case d.Kind == KindFloat && d.Step > 0 &&
		((d.Hi-d.Lo)/d.Step > 1<<31 || d.Step < 16*ulp(max(math.Abs(d.Lo), math.Abs(d.Hi)))):
		return fmt.Errorf("%s: step %s is too small for [%s, %s]", d.Name, FormatExact(d.Step), FormatExact(d.Lo), FormatExact(d.Hi))
	}
	return nil
}

// Nth is value number i of a dimension that is not continuous, 0 ≤ i <
// [Dim.Size].
func (d *Dim) Nth(i int) any {
	if d.Kind == KindChoice {
		return d.Options[i].Value
	}
	return d.nth(i)
}

// cell is the number of the equal cell of [0,1] that holds u.
func (d *Dim) cell(u float64) int {
	n := d.Size()
	return min(int(u*float64(n)), n-1)
}

// nth is value number i of a stepped dimension, kept inside the bounds.
func (d *Dim) nth(i int) any {
	i = min(max(i, 0), d.Size()-1)
	x := min(d.Lo+float64(i)*d.step(), d.Hi)
	if d.Kind == KindInt {
		return int(x)
	}
	return x
}

// logEdges are the logarithms of the outer edges of the first and the last
// cell, half a step beyond the bounds (never at or below 0).
func (d *Dim) logEdges() (lo, hi float64) {
	h := d.step() / 2
	return math.Log(max(d.Lo-h, d.Lo/2)), math.Log(d.Hi + h)
}

func (d *Dim) values() []any {
	out := make([]any, len(d.Options))
	for i, o := range d.Options {
		out[i] = o.Value
	}
	return out
}

// equal reports whether two definitions describe the same parameter.
func (d *Dim) equal(e *Dim) bool { return d == e || reflect.DeepEqual(d, e) }

// ulp is the distance from x to the next larger float64.
func ulp(x float64) float64 { return math.Nextafter(x, math.Inf(1)) - x }

// Number is v as a float64 if it is any Go number that JSON, YAML or a program
// may give.
func Number(v any) (float64, bool) {
	switch x := v.(type) {
	case float64:
		return x, true
	case int:
		return float64(x), true
	case int64:
		return float64(x), true
	case uint64:
		return float64(x), true
	case float32:
		return float64(x), true
	}
	return 0, false
}

// sameScalar compares two scalar values; numbers compare by value, so that
// int 3 and float64 3 are the same.
func sameScalar(a, b any) bool {
	x, aok := Number(a)
	y, bok := Number(b)
	if aok != bok {
		return false
	}
	if aok {
		return x == y
	}
	switch a.(type) {
	case string, bool:
		return a == b
	}
	return false
}
