package search

// Param is one dimension of a space. The typed keys [FloatParam], [IntParam]
// and [ChoiceParam] are params, and so is a bare [*Dim].
type Param interface{ Dim() *Dim }

// Point is what a key reads its value from: [Params], or a running trial.
type Point interface {
	// Value is the value of the named parameter, nil if the point has none.
	Value(name string) any
}

// Opt changes a numeric dimension: [Log], [Step], [Default].
type Opt func(*Dim)

// Log spreads a dimension evenly over the logarithm.
func Log(d *Dim) { d.Log = true }

// Step allows only lo, lo+s, lo+2s, … up to hi.
func Step(s float64) Opt { return func(d *Dim) { d.Step = s } }

// Default is the value of trials that were made before the parameter was added
// to the space of a running study.
func Default(v float64) Opt {
	return func(d *Dim) {
		if d.Default = v; d.Kind == KindInt && v == float64(int(v)) {
			d.Default = int(v)
		}
	}
}

// FloatParam is the key of a float64 parameter.
type FloatParam struct{ d *Dim }

// Float defines a parameter in [lo, hi].
func Float(name string, lo, hi float64, opts ...Opt) FloatParam {
	return FloatParam{numeric(name, KindFloat, lo, hi, opts)}
}

// LogFloat defines a parameter in [lo, hi], spread evenly over its logarithm.
func LogFloat(name string, lo, hi float64, opts ...Opt) FloatParam {
	return Float(name, lo, hi, append([]Opt{Log}, opts...)...)
}

// Dim returns the definition.
func (p FloatParam) Dim() *Dim { return p.d }

// In returns the parameter's value at a point; where it does not exist, its
// default, or 0.
func (p FloatParam) In(at Point) float64 {
	x, _ := Number(p.d.in(at))
	return x
}

// IntParam is the key of an int parameter.
type IntParam struct{ d *Dim }

// Int defines a whole number in [lo, hi].
func Int(name string, lo, hi int, opts ...Opt) IntParam {
	return IntParam{numeric(name, KindInt, float64(lo), float64(hi), opts)}
}

// Dim returns the definition.
func (p IntParam) Dim() *Dim { return p.d }

// In returns the parameter's value at a point; where it does not exist, its
// default, or 0.
func (p IntParam) In(at Point) int {
	x, _ := Number(p.d.in(at))
	return int(x)
}

// Scalar is what a choice may consist of.
type Scalar interface{ string | int | float64 | bool }

// ChoiceParam is the key of a categorical or ordinal parameter.
type ChoiceParam[T Scalar] struct{ d *Dim }

// Choice defines a categorical parameter.
func Choice[T Scalar](name string, values ...T) ChoiceParam[T] {
	d := &Dim{Name: name, Kind: KindChoice}
	for _, v := range values {
		d.Options = append(d.Options, Option{Value: v})
	}
	return ChoiceParam[T]{d}
}

// Ordinal defines a choice whose values have an order that means something.
func Ordinal[T Scalar](name string, values ...T) ChoiceParam[T] {
	c := Choice(name, values...)
	c.d.Ordered = true
	return c
}

// When returns the choice with params that exist only where value is chosen.
// It panics if value is none of the choice's values.
func (p ChoiceParam[T]) When(value T, params ...Param) ChoiceParam[T] {
	i := p.d.Index(value)
	if i < 0 {
		panic("search: " + p.d.Name + ".When: no such value")
	}
	d := *p.d
	d.Options = append([]Option(nil), d.Options...)
	d.Options[i].Space = append(d.Options[i].Space[:len(d.Options[i].Space):len(d.Options[i].Space)], params...)
	return ChoiceParam[T]{&d}
}

// Default returns the choice with a value for trials that were made before it
// was added to the space of a running study. It panics if it is none of the
// choice's values.
func (p ChoiceParam[T]) Default(value T) ChoiceParam[T] {
	if p.d.Index(value) < 0 {
		panic("search: " + p.d.Name + ".Default: no such value")
	}
	d := *p.d
	d.Default = value
	return ChoiceParam[T]{&d}
}

// Dim returns the definition.
func (p ChoiceParam[T]) Dim() *Dim { return p.d }

// In returns the chosen value at a point; where the parameter does not exist,
// its default, or the zero value.
func (p ChoiceParam[T]) In(at Point) T {
	var zero T
	v := p.d.in(at)
	if i := p.d.Index(v); i >= 0 {
		return p.d.Options[i].Value.(T)
	}
	return zero
}

// in is a point's value, or the default.
func (d *Dim) in(at Point) any {
	if v := at.Value(d.Name); v != nil {
		return v
	}
	return d.Default
}

func numeric(name string, k Kind, lo, hi float64, opts []Opt) *Dim {
	d := &Dim{Name: name, Kind: k, Lo: lo, Hi: hi}
	for _, o := range opts {
		o(d)
	}
	return d
}
