package search_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"budwood/search"
	"budwood/search/searchtest"
)

// branches has a nested branch and a name that two exclusive branches share.
func branches() search.Space {
	lr := search.LogFloat("lr", 1e-4, 1)
	return search.Space{
		search.Int("width", 1, 3),
		search.Choice("opt", "none", "adam", "sgd").
			When("adam", lr).
			When("sgd", lr, search.Choice("nesterov", true, false).When(true, search.Float("mom", 0, 1))),
	}
}

func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		s   search.Space
		err string // empty: valid
	}{
		{s: nil},
		{s: branches()},
		{s: searchtest.MixCond().Space},
		{search.Space{nil}, "a parameter is nil"},
		{search.Space{&search.Dim{}}, "a parameter has no name"},
		{search.Space{&search.Dim{Name: "x", Kind: "text"}}, `x: unknown kind "text"`},
		{search.Space{search.Float("x", 2, 1)}, "x: the range [2, 1] is empty"},
		{search.Space{search.Float("x", 0, nan)}, "finite"},
		{search.Space{search.Float("x", 0, inf)}, "finite"},
		{search.Space{search.Float("x", -math.MaxFloat64, math.MaxFloat64)}, "too wide"},
		{search.Space{search.LogFloat("x", 0, 1)}, "x: a log range must start above 0, not at 0"},
		{search.Space{search.Float("x", 0, 1, search.Step(-1))}, "x: step -1 is negative"},
		{search.Space{search.Float("x", 0, 1, search.Step(1e-12))}, "too small"},
		{search.Space{search.Float("x", 1e9, 1e9+1, search.Step(1e-7))}, "too small"},
		{search.Space{search.Int("x", 0, 9, search.Step(.5))}, "whole numbers"},
		{search.Space{search.Int("x", 0, 1<<60)}, "finite"},
		{search.Space{search.Choice[string]("x")}, "x: a choice needs at least one value"},
		{search.Space{search.Choice("x", 1, 2, 1)}, "x: value 1 stands twice"},
		{search.Space{&search.Dim{Name: "x", Kind: search.KindChoice, Options: []search.Option{{Value: []int{1}}}}}, "not a string, number or bool"},
		{search.Space{search.Int("x", 0, 1), search.Int("x", 0, 1)}, "x: the name stands twice"},
		{search.Space{search.Int("x", 0, 1), search.Choice("a", 1, 2).When(2, search.Int("x", 0, 1))}, "a = 2: x: the name stands twice"},
		{search.Space{search.Choice("a", 1, 2).When(2, search.Int("x", 0, 1)), search.Int("x", 0, 1)}, "x: the name stands twice"},
		{search.Space{search.Choice("a", 1, 2).When(2, search.Int("a", 0, 1))}, "a = 2: a: the name stands twice"},
		{search.Space{search.Choice("a", 1, 2).When(1, search.Int("x", 0, 1)).When(2, search.Int("x", 0, 1))}, ""},
		{search.Space{search.Choice("a", 1, 2).When(1, search.Int("x", 0, 1)).When(2, search.Int("x", 0, 2))}, "a = 2: x is defined differently in another branch"},
		{search.Space{search.Choice("a", 1, 2).When(2, search.Float("x", 2, 1))}, "a = 2: x: the range [2, 1] is empty"},
	} {
		err := c.s.Validate()
		if c.err == "" {
			if err != nil {
				t.Errorf("%v: %v", c.s.Specs(), err)
			}
			continue
		}
		var se *search.SpaceError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), c.err) {
			t.Errorf("error %v, want a SpaceError with %q", err, c.err)
			continue
		}
		if want := len(c.s) - 1; se.Index != want {
			t.Errorf("%v: index %d, want %d", err, se.Index, want)
		}
	}
}

// Two branches disagree about two names: the error names the same one each time.
func TestValidateNamesTheSameParameterEachTime(t *testing.T) {
	a := search.Choice("a", 1, 2).
		When(1, search.Int("x", 0, 1), search.Int("y", 0, 1)).
		When(2, search.Int("x", 0, 2), search.Int("y", 0, 2))
	want := search.Space{a}.Validate().Error()
	for range 50 {
		if got := (search.Space{a}).Validate().Error(); got != want {
			t.Fatalf("%q, then %q", want, got)
		}
	}
}

func TestWhenDoesNotChangeTheKeyItExtends(t *testing.T) {
	a := search.Choice("a", 1, 2)
	b := a.When(1, search.Int("x", 0, 1))
	c := b.When(1, search.Int("y", 0, 1))
	d := b.When(1, search.Int("z", 0, 1))
	for i, want := range []int{0, 1, 2, 2} {
		if got := len([]search.ChoiceParam[int]{a, b, c, d}[i].Dim().Options[0].Space); got != want {
			t.Errorf("key %d has %d params below 1, want %d", i, got, want)
		}
	}
	if name := c.Dim().Options[0].Space[1].Dim().Name; name != "y" {
		t.Errorf("the second param is %s, want y", name)
	}
	defer func() {
		if recover() == nil {
			t.Error("When with a value that is none of the choice's did not panic")
		}
	}()
	a.When(3)
}

func TestDimsAndActive(t *testing.T) {
	names := func(ds []*search.Dim) string {
		var out []string
		for _, d := range ds {
			out = append(out, d.Name)
		}
		return strings.Join(out, " ")
	}
	s := branches()
	if got, want := names(s.Dims()), "width opt lr nesterov mom"; got != want {
		t.Errorf("Dims: %s, want %s", got, want)
	}
	for _, c := range []struct {
		p    search.Params
		want string
	}{
		{search.Params{"width": 1, "opt": "none"}, "width opt"},
		{search.Params{"width": 1, "opt": "adam", "lr": .1}, "width opt lr"},
		{search.Params{"width": 1, "opt": "sgd", "lr": .1, "nesterov": true, "mom": .9}, "width opt lr nesterov mom"},
		{search.Params{"opt": "sgd", "nesterov": false}, "width opt lr nesterov"},
		{search.Params{}, "width opt"},
	} {
		if got := names(s.Active(c.p)); got != c.want {
			t.Errorf("Active(%v): %s, want %s", c.p, got, c.want)
		}
	}
}

func TestCheckParams(t *testing.T) {
	s := branches()
	for _, c := range []struct {
		p   search.Params
		err string
	}{
		{search.Params{"width": 2., "opt": "none"}, ""},
		{search.Params{"width": 2, "opt": "none", "tag": "mine"}, ""},
		{search.Params{"width": 2}, "opt: no value"},
		{search.Params{"width": 2, "opt": "rmsprop"}, "opt: rmsprop is none of [none adam sgd]"},
		{search.Params{"width": 2, "opt": "adam"}, "lr: no value"},
		{search.Params{"width": 2, "opt": "none", "lr": .1}, "lr: no such parameter in this branch of the space"},
		{search.Params{"width": 9, "opt": "none"}, "width: 9 is outside [1, 3]"},
		{search.Params{"width": 2, "opt": "none", "wdith": 1}, "wdith: no such parameter"},
	} {
		got, err := s.Check(c.p, "tag")
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || got != nil {
				t.Errorf("Check(%v) = %v, %v; want error %q", c.p, got, err, c.err)
			}
			continue
		}
		if err != nil || got["width"] != 2 || got["tag"] != c.p["tag"] {
			t.Errorf("Check(%v) = %v, %v", c.p, got, err)
		}
	}
}

func TestSpaceSize(t *testing.T) {
	flag := func(name string) search.Param { return search.Choice(name, true, false) }
	var many search.Space
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!" {
		many = append(many, flag(string(c)))
	}
	for _, c := range []struct {
		s    search.Space
		want int
	}{
		{nil, 1},
		{search.Space{search.Int("x", 1, 4), flag("f")}, 8},
		{search.Space{search.Int("x", 1, 4), search.Float("y", 0, 1)}, 0},
		{search.Space{search.Float("y", 1, 1)}, 1},
		{search.Space{search.Choice("a", 1, 2, 3).When(2, search.Int("x", 1, 4)).When(3, flag("f"), flag("g"))}, 1 + 4 + 4},
		{branches(), 0},
		{many[:52], 1 << 52},
		{many[:53], 1 << 53},
		{append(many[:53:53], flag("?")), 0},
	} {
		if got := c.s.Size(); got != c.want {
			t.Errorf("%d parameters: size %d, want %d", len(c.s), got, c.want)
		}
	}
}

func TestSampledPointsAreValidAndSurviveJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := searchtest.DrawSpace(t)
		if err := s.Validate(); err != nil {
			t.Fatal(err)
		}
		p := s.Sample(search.Rand(rapid.Uint64().Draw(t, "seed"), 0))
		same, err := s.Check(p)
		if err != nil || !reflect.DeepEqual(same, p) {
			t.Fatalf("Check(%v) = %v, %v", p, same, err)
		}
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var q search.Params
		if err := json.Unmarshal(b, &q); err != nil {
			t.Fatal(err)
		}
		if p.Key() != q.Key() {
			t.Fatalf("key %s, through JSON %s", p.Key(), q.Key())
		}
		if back, err := s.Check(q); err != nil || !reflect.DeepEqual(back, p) {
			t.Fatalf("through JSON: %v, %v; want %v", back, err, p)
		}
	})
}

func TestSpaceSurvivesJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := searchtest.DrawSpace(t)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var back search.Space
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) {
			t.Fatalf("%s\nthen %s", b, again)
		}
		if back.Size() != s.Size() {
			t.Fatalf("size %d, then %d", s.Size(), back.Size())
		}
		seed := rapid.Uint64().Draw(t, "seed")
		if p, q := s.Sample(search.Rand(seed, 0)), back.Sample(search.Rand(seed, 0)); p.Key() != q.Key() {
			t.Fatalf("the same draw gives %v, then %v", p, q)
		}
	})
}

func TestSpaceFromJSON(t *testing.T) {
	const file = `[{"name":"lr","float":[0.0001,0.1],"log":true},{"name":"layers","int":[1,4]},` +
		`{"name":"size","ordinal":["s","m","l"]},` +
		`{"name":"opt","choice":["adam",{"value":"sgd","space":[{"name":"momentum","float":[0,0.99],"step":0.01}]}]}]`
	var s search.Space
	if err := json.Unmarshal([]byte(file), &s); err != nil {
		t.Fatal(err)
	}
	if b, _ := json.Marshal(s); string(b) != file {
		t.Errorf("written back: %s", b)
	}
	for in, want := range map[string]string{
		`[{"name":"x"}]`: "x: give exactly one of float, int, choice, ordinal",
		`[{"name":"x","float":[0,1],"int":[0,1]}]`:                                 "x: give exactly one of",
		`[{"name":"x","choice":[1],"ordinal":[1]}]`:                                "x: give exactly one of",
		`[{"name":"x","float":[1]}]`:                                               "x: float needs two bounds, [lo, hi]",
		`[{"name":"x","int":[1,2,3]}]`:                                             "x: int needs two bounds, [lo, hi]",
		`[{"name":"x","choice":[1,2],"log":true}]`:                                 "x: log and step belong to float and int",
		`[{"name":"x","choice":[[1],2]}]`:                                          "not a string, number or bool",
		`[{"name":"x","choice":[1,null]}]`:                                         "not a string, number or bool",
		`[{"name":"x","choice":[{"value":1,"space":[{"name":"y","int":[2,1]}]}]}]`: "x = 1: y: the range [2, 1] is empty",
		`[{"name":"x","int":[1,2.5]}]`:                                             "cannot unmarshal number 2.5",
		`{}`:                                                                       "cannot unmarshal object",
	} {
		if err := json.Unmarshal([]byte(in), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", in, err, want)
		}
	}
}
