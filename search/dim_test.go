package search_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		p    search.Param
		u    float64
		want any
	}{
		{search.Float("x", -1, 1), 0, -1.},
		{search.Float("x", -1, 1), .75, .5},
		{search.Float("x", -1, 1), 7, 1.},
		{search.Float("x", -1, 1), -7, -1.},
		{search.Float("x", -1, 1), math.NaN(), -1.},
		{search.Float("x", 3, 3), .2, 3.},
		{search.LogFloat("x", 1e-4, 1), 0, 1e-4},
		{search.LogFloat("x", 1e-4, 1), 1, 1.},
		{search.LogFloat("x", 1e-300, 1e300), 1, 1e300},
		{search.Float("x", .5, 1, search.Step(.05)), .95, 1.},
		{search.Float("x", 0, 1, search.Step(.3)), 1, .8999999999999999},
		{search.Int("x", 1, 4), .49, 2},
		{search.Int("x", 1, 4), 1, 4},
		{search.Int("x", 0, 10, search.Step(4)), 1, 8},
		{search.Int("x", 16, 512, search.Log), 0, 16},
		{search.Int("x", 16, 512, search.Log), .5, 89}, // √(15.5·512.5)
		{search.Int("x", 16, 512, search.Log), 1, 512},
		{search.Choice("x", "a", "b", "c"), .34, "b"},
		{search.Choice("x", "a", "b", "c"), math.NaN(), "a"},
	} {
		if got := c.p.Dim().Decode(c.u); got != c.want {
			t.Errorf("%+v: Decode(%v) = %v, want %v", *c.p.Dim(), c.u, got, c.want)
		}
	}
}

// A uniform u gives every value of a discrete dimension the same share; on a
// log scale, shares in proportion to the width of its cell in the logarithm.
func TestDecodeGivesThePrior(t *testing.T) {
	share := func(p search.Param, value any) float64 {
		const n = 100_000
		hits := 0
		for i := range n {
			if p.Dim().Decode((float64(i)+.5)/n) == value {
				hits++
			}
		}
		return float64(hits) / n
	}
	log := search.Int("x", 1, 4, search.Log)
	for _, c := range []struct {
		p    search.Param
		v    any
		want float64
	}{
		{search.Int("x", 1, 4), 1, .25},
		{search.Int("x", 1, 4), 4, .25},
		{search.Choice("x", "a", "b", "c"), "c", 1. / 3},
		{log, 1, math.Log(1.5/.5) / math.Log(4.5/.5)},
		{log, 4, math.Log(4.5/3.5) / math.Log(4.5/.5)},
	} {
		if got := share(c.p, c.v); math.Abs(got-c.want) > 1e-4 {
			t.Errorf("%+v: share of %v is %v, want %v", *c.p.Dim(), c.v, got, c.want)
		}
	}
}

func TestEncodeIsTheInverseOfDecode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, d := range searchtest.DrawSpace(t).Dims() {
			v := d.Decode(rapid.Float64Range(0, 1).Draw(t, "u"))
			if again, err := d.Check(v); err != nil || again != v {
				t.Fatalf("%+v: Check(%v) = %v, %v", *d, v, again, err)
			}
			u, err := d.Encode(v)
			if err != nil || u < 0 || u > 1 {
				t.Fatalf("%+v: Encode(%v) = %v, %v", *d, v, u, err)
			}
			w := d.Decode(u)
			if d.Size() > 0 {
				if w != v {
					t.Fatalf("%+v: Decode(Encode(%v)) = %v", *d, v, w)
				}
				continue
			}
			if x, y := v.(float64), w.(float64); math.Abs(x-y) > 1e-12*(math.Abs(x)+d.Hi-d.Lo) {
				t.Fatalf("%+v: Decode(Encode(%v)) = %v", *d, v, w)
			}
		}
	})
}

func TestEncodeIsMonotonic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, d := range searchtest.DrawSpace(t).Dims() {
			u := rapid.Float64Range(0, 1).Draw(t, "u")
			v := rapid.Float64Range(u, 1).Draw(t, "v")
			x, _ := d.Encode(d.Decode(u))
			y, _ := d.Encode(d.Decode(v))
			if x > y+1e-12 {
				t.Fatalf("%+v: u %v < %v, but encoded %v > %v", *d, u, v, x, y)
			}
		}
	})
}

func TestDimSize(t *testing.T) {
	for _, c := range []struct {
		p    search.Param
		want int
	}{
		{search.Float("x", 0, 1), 0},
		{search.Float("x", 1, 1), 1},
		{search.Float("x", 0, .3, search.Step(.1)), 4}, // .3/.1 is 2.9999999999999996
		{search.Float("x", 0, 1, search.Step(.3)), 4},
		{search.Int("x", -2, 2), 5},
		{search.Int("x", 50, 1000, search.Step(50)), 20},
		{search.Int("x", 0, 10, search.Step(4)), 3},
		{search.Choice("x", true, false), 2},
		{search.Int("x", 0, 1<<41), 1<<41 + 1},
		{search.Int("x", -1<<53, 1<<53), 1<<54 + 1},
		{search.Int("x", 0, 1<<53, search.Step(3)), 3002399751580330 + 1},
	} {
		if got := c.p.Dim().Size(); got != c.want {
			t.Errorf("%+v: size %d, want %d", *c.p.Dim(), got, c.want)
		}
	}
}

func TestCheckValue(t *testing.T) {
	lr := search.Float("lr", 0, 1)
	n := search.Int("n", 1, 9, search.Step(2))
	act := search.Choice("act", "relu", "tanh")
	k := search.Choice("k", 3, 5)
	for _, c := range []struct {
		p       search.Param
		v, want any
		err     string
	}{
		{p: lr, v: .5, want: .5},
		{p: lr, v: 1, want: 1.},
		{p: lr, v: 1.5, err: "lr: 1.5 is outside [0, 1]"},
		{p: lr, v: "x", err: "lr: x is not a finite number"},
		{p: lr, v: math.NaN(), err: "not a finite number"},
		{p: lr, v: math.Inf(1), err: "not a finite number"},
		{p: lr, v: nil, err: "not a finite number"},
		{p: n, v: 3., want: 3},
		{p: n, v: uint64(5), want: 5},
		{p: n, v: 4, err: "n: 4 is not 1 plus a multiple of 2"},
		{p: n, v: 3.5, err: "n: 3.5 is not a whole number"},
		{p: act, v: "tanh", want: "tanh"},
		{p: act, v: "gelu", err: "act: gelu is none of [relu tanh]"},
		{p: act, v: 3, err: "none of"},
		{p: k, v: 3., want: 3},
		{p: k, v: "3", err: "none of"},
	} {
		got, err := c.p.Dim().Check(c.v)
		if c.err == "" && (err != nil || got != c.want) {
			t.Errorf("%s: Check(%v) = %v (%T), %v; want %v (%T)", c.p.Dim().Name, c.v, got, got, err, c.want, c.want)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: Check(%v): error %v, want %q", c.p.Dim().Name, c.v, err, c.err)
		}
		if _, err := c.p.Dim().Encode(c.v); (err != nil) != (c.err != "") {
			t.Errorf("%s: Encode(%v): %v", c.p.Dim().Name, c.v, err)
		}
	}
}
