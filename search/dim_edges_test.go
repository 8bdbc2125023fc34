package search_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

// What is just within the limits of a definition is accepted, and what is just
// beyond is not.
func TestLimitsOfDefinitions(t *testing.T) {
	f := func(lo, hi, step float64, log bool) search.Param {
		return &search.Dim{Name: "x", Kind: search.KindFloat, Lo: lo, Hi: hi, Step: step, Log: log}
	}
	n := func(lo, hi, step float64, log bool) search.Param {
		return &search.Dim{Name: "x", Kind: search.KindInt, Lo: lo, Hi: hi, Step: step, Log: log}
	}
	inf, most := math.Inf(1), float64(1<<53)
	for i, c := range []struct {
		p    search.Param
		want string // the error; "" if there is none
	}{
		{f(0, 1, 0, false), ""}, {f(1, 1, 0, false), ""}, {f(1, math.Nextafter(1, 0), 0, false), "is empty"},
		{f(math.NaN(), 1, 0, false), "finite"}, {f(0, inf, 0, false), "finite"}, {f(-inf, 1, 0, false), "finite"}, {f(0, 1, inf, false), "finite"},
		{f(-1e308, 1e308, 0, false), "too wide"}, {f(-1e307, 1e308, 0, false), ""}, {f(0, 1e300, 0, false), ""},
		{f(0, 1, 0, true), "must start above 0"}, {f(-1, 1, 0, true), "must start above 0"}, {f(1e-300, 1, 0, true), ""},
		{f(0, 1, -.1, false), "is negative"}, {f(0, 1, .1, false), ""},
		{f(0, 1<<31, 1, false), ""}, {f(0, 1<<31+1, 1, false), "too small"}, {f(0, 1, 0x1p-31, false), ""}, {f(0, 1, 0x1p-31*.9, false), "too small"},
		{f(1<<40, 1<<40+1, 16*0x1p-12, false), ""}, {f(1<<40, 1<<40+1, 15*0x1p-12, false), "too small"},
		{f(-1<<40-1, -1<<40, 15*0x1p-12, false), "too small"}, {f(-1<<40, 1, 15*0x1p-12, false), "too small"},
		{n(0, most, 0, false), ""}, {n(-most, most, 1, false), ""}, {n(0, most+2, 0, false), "finite"}, {n(-most-2, 0, 0, false), "finite"},
		{n(.5, 2, 0, false), "whole"}, {n(0, 2.5, 0, false), "whole"}, {n(0, 2, .5, false), "whole"}, {n(0, 2, 1, false), ""},
		{n(0, 2, -1, false), "is negative"}, {n(1, 2, 0, true), ""}, {n(0, 2, 0, true), "must start above 0"},
		{&search.Dim{Name: "x", Kind: "bool"}, `unknown kind "bool"`}, {&search.Dim{Kind: search.KindInt}, "has no name"},
		{search.Choice[string]("x"), "at least one value"}, {search.Choice("x", 1), ""}, {search.Choice("x", 1, 2, 1), "1 stands twice"},
		{&search.Dim{Name: "x", Kind: search.KindChoice, Options: []search.Option{{Value: []int{1}}}}, "is not a string, number or bool"},
		{&search.Dim{Name: "x", Kind: search.KindChoice, Options: []search.Option{{Value: 1.5}, {Value: true}, {Value: "a"}, {Value: 1}}}, ""},
		{search.Int("x", 1, 4, search.Default(4)), ""}, {search.Int("x", 1, 4, search.Default(5)), "the default of x: 5 is outside [1, 4]"},
		{search.Int("x", 1, 4, search.Default(1.5)), "the default of x: 1.5 is not a whole number"},
		{search.Float("x", 1, 4, search.Default(3)), ""}, {search.Int("x", 5, 1, search.Default(3)), "the range [5, 1] is empty"},
	} {
		err := search.Space{c.p}.Validate()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d, %+v: %v, want %q", i, *c.p.Dim(), err, c.want)
		}
	}
}

// Typed keys read every value of theirs, the first option too, and a request's
// randomness is that of the trial.
func TestKeysAndRandomness(t *testing.T) {
	act := search.Choice("act", "relu", "tanh")
	for _, want := range []string{"relu", "tanh"} {
		if got := act.In(search.Params{"act": want}); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if search.Ordinal("x", 1, 2).Dim().Ordered != true || act.Dim().Ordered {
		t.Error("the order of an ordinal")
	}
	if got := act.In(search.Params{"act": "gelu"}); got != "" {
		t.Errorf("%q is no option", got)
	}
	r := search.Request{Seed: 5, First: 7}
	if a, b := r.Rand(2).Uint64(), search.Rand(5, 9).Uint64(); a != b {
		t.Errorf("trial 9 draws %d, and as the third of a request %d", b, a)
	}
	if got := search.LogFloat("x", 1e-4, 1).Dim().Decode(.25).(float64); math.Abs(got-1e-3) > 1e-12 {
		t.Errorf("a quarter of four decades is at %v", got)
	}
}

// A default is in the type of its parameter.
func TestDefaultHasTheType(t *testing.T) {
	for _, c := range []struct {
		p    search.Param
		want any
	}{
		{search.Int("x", 1, 4, search.Default(3)), 3}, {search.Float("x", 1, 4, search.Default(3)), 3.}, {search.Float("x", 1, 4, search.Default(1.5)), 1.5},
		{search.Choice("x", "a", "b").Default("b"), "b"}, {search.Int("x", 1, 4, search.Default(1.5)), 1.5},
	} {
		if got := c.p.Dim().Default; got != c.want {
			t.Errorf("%T %v, want %T %v", got, got, c.want, c.want)
		}
	}
}

// Numbers of a stepped parameter may miss a step by rounding, and by no more.
func TestCheckStepsWithinRounding(t *testing.T) {
	for _, c := range []struct {
		p    search.Param
		v    any
		want any // nil: an error
	}{
		{search.Float("x", 0, 1, search.Step(.1)), .3, .3},
		{search.Float("x", 0, 1, search.Step(.1)), .1 + .2, .1 + .2},
		{search.Float("x", 0, 1, search.Step(.1)), .3 + .9e-7, .3 + .9e-7},
		{search.Float("x", 0, 1, search.Step(.1)), .3 + 1.2e-7, nil},
		{search.Float("x", 0, 1, search.Step(.1)), .3 - 1.2e-7, nil},
		{search.Float("x", 0, 1, search.Step(.1)), .35, nil},
		{search.Float("x", 1e15, 1e15+100, search.Step(10)), 1e15 + 30.625, nil},
		{search.Float("x", 1e15, 1e15+100, search.Step(10)), 1e15 + 30.375, 1e15 + 30.375}, // of four rounded numbers
		{search.Float("x", -1e15, 0, search.Step(10)), -1e15 + 30.375, -1e15 + 30.375},
		{search.Float("x", -1e15, 0, search.Step(10)), -1e15 + 30.625, nil},
		{search.Int("x", 1, 9, search.Step(4)), 5., 5},
		{search.Int("x", 1, 9, search.Step(4)), 9, 9},
		{search.Int("x", 1, 9, search.Step(4)), 6, nil},
		{search.Int("x", 1, 9), 10, nil}, {search.Int("x", 1, 9), 9, 9}, {search.Int("x", 1, 9), 1, 1}, {search.Int("x", 1, 9), 0, nil},
		{search.Int("x", 1, 9), int64(2), 2}, {search.Int("x", 1, 9), uint64(2), 2}, {search.Int("x", 1, 9), float32(2), 2}, {search.Int("x", 1, 9), "2", nil},
		{search.Float("x", 1, 9), math.NaN(), nil}, {search.Float("x", 1, 9), math.Inf(1), nil}, {search.Float("x", 1, 9), math.Inf(-1), nil}, {search.Float("x", 1, 9), 2, 2.},
		{search.Choice("x", 1, 2), 2., 2}, {search.Choice("x", "1", "2"), 2, nil}, {search.Choice("x", true, false), "true", nil},
		{search.Choice("x", "a"), nil, nil},
	} {
		got, err := c.p.Dim().Check(c.v)
		if got != c.want || (err == nil) != (c.want != nil) {
			t.Errorf("%+v: %v: %v, %v; want %v", *c.p.Dim(), c.v, got, err, c.want)
		}
	}
}

// Beyond the ends of [0, 1] a value is the end's, also where no cell is cut off.
func TestDecodeBeyondTheEnds(t *testing.T) {
	for _, p := range []search.Param{
		search.Float("x", -1, 3), search.LogFloat("x", 1e-4, 1), search.Float("x", 0, 1, search.Step(.25)), search.Int("x", 2, 7), search.Int("x", 2, 700, search.Log),
		search.Float("x", 1, 64, search.Log, search.Step(7)), search.Choice("x", "a", "b"),
	} {
		d := p.Dim()
		first, last := d.Decode(0), d.Decode(1)
		if d.Decode(-.5) != first || d.Decode(1.5) != last || d.Decode(math.NaN()) != first || d.Decode(math.Inf(1)) != last {
			t.Errorf("%+v: %v and %v, want %v and %v", *d, d.Decode(-.5), d.Decode(1.5), first, last)
		}
		if n := d.Size(); n > 0 && (d.Nth(0) != first || d.Nth(n-1) != last) {
			t.Errorf("%+v: the first and last of %d are %v and %v", *d, n, d.Nth(0), d.Nth(n-1))
		}
	}
	if _, err := search.Float("x", 1, 9).Dim().Check(math.Inf(-1)); err == nil || !strings.Contains(err.Error(), "not a finite number") {
		t.Error(err)
	}
	// The outermost cells of a log scale reach half a step beyond the bounds.
	d := search.Int("x", 1, 9, search.Log, search.Step(2)).Dim()
	lo, hi := math.Log(.5), math.Log(10.) // half a step below 1 is 0: half of 1 instead
	for v, x := range map[int]float64{1: 1, 3: 3, 9: 9} {
		if u, err := d.Encode(v); err != nil || math.Abs(u-(math.Log(x)-lo)/(hi-lo)) > 1e-12 {
			t.Errorf("%d is at %v, %v", v, u, err)
		}
	}
	if u, err := search.Float("x", 0, 1, search.Step(.25)).Dim().Encode(.5); err != nil || u != .5 {
		t.Errorf("%v, %v: the middle of the third of five cells", u, err)
	}
	if u, err := search.Float("x", 3, 3).Dim().Encode(3.); err != nil || u != .5 {
		t.Errorf("%v, %v", u, err)
	}
	if u, err := search.Choice("x", "a", "b").Dim().Encode("b"); err != nil || u != .75 {
		t.Errorf("%v, %v", u, err)
	}
}

// A space is counted up to 2⁵³ points.
func TestSpaceSizeUpToItsLimit(t *testing.T) {
	for _, c := range []struct {
		s    search.Space
		want int
	}{
		{nil, 1},
		{search.Space{search.Int("a", 1, 1<<26), search.Int("b", 1, 1<<27)}, 1 << 53},
		{search.Space{search.Int("a", 1, 1<<26), search.Int("b", 1, 1<<27), search.Int("c", 1, 1)}, 1 << 53},
		{search.Space{search.Int("a", 1, 1<<26), search.Int("b", 1, 1<<27), search.Int("c", 1, 2)}, 0},
		{search.Space{search.Int("a", 1, 1<<26), search.Int("b", 1, 1<<27+1)}, 0},
		{search.Space{search.Int("a", 1, 1<<27), search.Int("b", 1, 1<<27)}, 0},
		{search.Space{search.Choice("c", "x", "y").When("x", search.Int("a", 1, 5))}, 6},
		{search.Space{search.Choice("c", "x", "y").When("x", search.Float("a", 1, 5))}, 0},
		{search.Space{search.Choice("c", "x", "y").When("y", search.Float("a", 1, 5, search.Step(2))), search.Int("b", 0, 1)}, 8},
		{search.Space{search.Float("a", 2, 2), search.Int("b", 0, 1)}, 2},
	} {
		if got := c.s.Size(); got != c.want {
			t.Errorf("%v: %d, want %d", c.s.Specs(), got, c.want)
		}
	}
}

// Of several mistakes in a point the first is told.
func TestCheckTellsTheFirstMistake(t *testing.T) {
	s := search.Space{search.Int("a", 1, 4), search.Int("b", 1, 4), search.Choice("c", "x", "y").When("x", search.Int("d", 1, 4))}
	for _, c := range []struct {
		p    search.Params
		want string
	}{
		{search.Params{"a": 9, "b": 8, "c": "y"}, "a: 9 is outside"},
		{search.Params{"b": 8, "c": "y"}, "a: no value"},
		{search.Params{"a": 1, "b": 8, "c": "z"}, "b: 8 is outside"},
		{search.Params{"a": 1, "c": "z"}, "b: no value"},
		{search.Params{"a": 1, "b": 1, "c": "x"}, "d: no value"},
		{search.Params{"a": 1, "b": 1, "c": "y", "d": 1}, "d: no such parameter in this branch of the space"},
		{search.Params{"a": 1, "b": 1, "c": "y", "bb": 1}, `bb: no such parameter (did you mean "b"?)`},
		{search.Params{"a": 1, "b": 1, "c": "y", "zzzzz": 1}, "zzzzz: no such parameter"},
	} {
		if q, err := s.Check(c.p); err == nil || !strings.HasPrefix(err.Error(), c.want) || q != nil {
			t.Errorf("%v: %v, %v; want %q", c.p, q, err, c.want)
		}
	}
	q, err := s.Check(search.Params{"a": 1., "b": 1, "c": "y", "genome": "g"}, "genome", "other")
	if err != nil || q["a"] != 1 || q["genome"] != "g" || len(q) != 4 {
		t.Errorf("%v, %v", q, err)
	}
}

// A key that was never made is no parameter.
func TestValidateWithoutDefinition(t *testing.T) {
	for _, s := range []search.Space{{nil}, {search.FloatParam{}}, {search.Choice("c", 1).When(1, search.IntParam{})}} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), "a parameter is nil") {
			t.Errorf("%v", err)
		}
	}
}

// What belongs to numbers is refused for a choice, and so are two kinds at once.
func TestSpecsThatDoNotFit(t *testing.T) {
	for text, want := range map[string]string{
		`[{"name":"x","choice":[1,2],"step":1}]`:    "x: log and step belong to float and int",
		`[{"name":"x","ordinal":[1,2],"log":true}]`: "x: log and step belong to float and int",
		`[{"name":"x","choice":[1],"ordinal":[1]}]`: "x: give exactly one of",
		`[{"name":"x","float":[1,2],"int":[1,2]}]`:  "x: give exactly one of",
		`[{"name":"x","int":[1,2],"choice":[1]}]`:   "x: give exactly one of",
		`[{"name":"x"}]`:                 "x: give exactly one of",
		`[{"name":"x","int":[1]}]`:       "x: int needs two bounds",
		`[{"name":"x","float":[1,2,3]}]`: "x: float needs two bounds",
		`[{"int":[1,2]}]`:                "has no name",
		`[{"name":"x","choice":[{"value":1,"space":[{"name":"y"}]}]}]`: "x = 1: y: give exactly one of",
	} {
		var s search.Space
		if err := json.Unmarshal([]byte(text), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// A parameter below the option that all trials before had is new to them; one below
// another option is not missed.
func TestNewParameterBelowADefault(t *testing.T) {
	before := search.Space{search.Int("layers", 1, 4)}
	with := func(option string) search.Space {
		return append(slices.Clone(before), search.Choice("opt", "adam", "sgd").When(option, search.Float("mom", 0, 1)).Default("sgd"))
	}
	if err := before.Compatible(with("adam")); err != nil {
		t.Error(err)
	}
	// Deeper below a new option everything is new; the genome goes along.
	deep := append(slices.Clone(before), search.Choice("opt", "adam", "sgd").When("adam", search.Choice("amsgrad", true, false).When(true, search.Float("top", 0, 1)).Default(true)).Default("sgd"))
	if err := before.Compatible(deep); err != nil {
		t.Error(err)
	}
	if p, ok := before.Adopt(search.Params{"layers": 2, search.ArchitectureKey: "g", "gone": 1}); !ok || p[search.ArchitectureKey] != "g" || len(p) != 2 {
		t.Errorf("%v, %v", p, ok)
	}
	ordered := search.Space{search.Ordinal("k", 1, 3)}
	if got := (search.Space{search.Choice("k", 1, 3)}).Changes(ordered); len(got) != 1 || got[0].String() != "k: its values have an order now" || got[0].Err != nil {
		t.Errorf("%v", got)
	}
	if err := before.Compatible(with("sgd")); err == nil || !strings.Contains(err.Error(), "mom: the parameter is new") {
		t.Errorf("%v: trials before had sgd, and no momentum", err)
	}
}

// An option may be read from what is no JSON at all.
func TestOptionsFromNothing(t *testing.T) {
	var o search.OptionSpec
	if err := o.UnmarshalJSON(nil); err == nil {
		t.Error("nothing is an option")
	}
	var s search.Space
	if err := json.Unmarshal([]byte(`[{"name":"x","choice":[{"value":3.0,"space":[{"name":"y","int":[1,2]}]},1.5,true,"a"]}]`), &s); err != nil {
		t.Fatal(err)
	}
	d := s[0].Dim()
	if d.Options[0].Value != 3 || d.Options[1].Value != 1.5 || d.Options[2].Value != true || len(d.Options[0].Space) != 1 || d.Options[1].Space != nil {
		t.Errorf("%+v", d.Options)
	}
}
