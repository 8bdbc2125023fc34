package trials

import (
	"os"
	"slices"
	"strings"
	"testing"

	"budwood/search"
)

func TestCommandArguments(t *testing.T) {
	adam := search.Params{"optimizer": "adam", "lr": .001, "amp": true, "layers": 2}
	sgd := search.Params{"optimizer": "sgd", "lr": 1e-5, "amp": false, "layers": 3, "momentum": .9, "b1": -1e-05, "b2": .5, "flag": "", "note": "it's, so"}
	for _, c := range []struct {
		args string // with | between arguments
		p    search.Params
		want string
	}{
		{"py|--lr|{lr}|--momentum|{momentum}", sgd, "py|--lr|1e-05|--momentum|0.9"},
		{"py|--lr|{lr}|--momentum|{momentum}", adam, "py|--lr|0.001"},
		{"py|--momentum|{momentum}|--lr|{lr}", adam, "py|--lr|0.001"},
		{"py|--momentum={momentum}|--lr={lr}", adam, "py|--lr=0.001"},
		{"py|--verbose|--momentum={momentum}|x", adam, "py|--verbose|x"},
		{"py|--betas|{b1}|{b2}|--lr|{lr}", adam, "py|--lr|0.001"},
		{"py|--betas|{lr}|{b2}|x", adam, "py|--betas|0.001|x"},
		{"py|--betas|{b2}|{lr}", adam, "py|--betas|0.001"},
		{"py|-m|{momentum}|--|{momentum}|{layers}", adam, "py|--|2"},
		{"py|-1|{momentum}", adam, "py|-1"},
		{"py|sgd:{momentum}:{lr}", adam, "py"},
		{"py|{optimizer}|{flag}|{epochs}", sgd, "py|sgd|9"},
		{"py|--note|{flag}", sgd, "py|--note|"},
		{"py|{{{lr}}}|{{}}", adam, "py|{0.001}|{}"},
		{"py|--lr|{args}|--momentum|{momentum}", adam, "py|--lr|--amp|--layers|2|--lr|0.001|--optimizer|adam"},
		{"py|{args}", search.Params{}, "py"},
		{"py|{args}", search.Params{"a": 1e6, "b": 12345678., "c": 1.5e6, "d": 2, "e": 1e20}, "py|--a|1000000|--b|12345678|--c|1500000|--d|2|--e|1e+20"},
		{"py|{args}", sgd, "py|--no-amp|--b1=-1e-05|--b2|0.5|--flag||--layers|3|--lr|1e-05|--momentum|0.9|--note|it's, so|--optimizer|sgd"},
		{"py|{args:hydra}|x", sgd, `py|amp=false|b1=-1e-05|b2=0.5|flag=''|layers=3|lr=1e-05|momentum=0.9|note='it\'s, so'|optimizer=sgd|x`},
		// Hydra takes a backslash as it is, but before a quotation mark.
		{"py|{args:hydra}", search.Params{"a": `C:\x y`, "b": `\`, "c": `\'`, "d": `'`}, `py|a='C:\x y'|b='\\'|c='\\\''|d='\''`},
	} {
		cmd := &Command{Args: strings.Split(c.args, "|")}
		got, _, _ := cmd.Vector("s", search.Trial{ID: 4, Params: c.p}, 1, 9)
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s for %v:\n%s, want\n%s", c.args, c.p, strings.Join(got, "|"), c.want)
		}
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Setenv("MOMENTUM", "of the worker")
	c := &Command{Args: []string{"x"}, Env: map[string]string{"LR": "{lr}", "MOMENTUM": "{momentum}", "RUN": "{trial}-{lr}", "JSON": `{"a": {"b": {"c": 1}}}`, "BRACES": "{{lr}}"}}
	space := search.Space{search.Float("lr", 0, 1), search.Choice("o", "adam", "sgd")}
	space[1].Dim().Options[1].Space = search.Space{search.Float("momentum", 0, 1)}
	if err := c.Validate(space); err != nil {
		t.Fatal(err)
	}
	trial := search.Trial{ID: 4, Params: search.Params{"lr": .5, "o": "adam"}}
	_, set, unset := c.Vector("s", trial, 1, 9)
	if got := strings.Join(set, "|"); got != `BRACES={lr}|JSON={"a": {"b": {"c": 1}}}|LR=0.5|RUN=t0004-0.5` || !slices.Equal(unset, []string{"MOMENTUM"}) {
		t.Errorf("%s, without %v", got, unset)
	}
	env := c.environment((&Trial{Trial: trial}).values("", ""))
	if i := slices.IndexFunc(env, func(v string) bool { return strings.HasPrefix(v, "MOMENTUM=") }); i >= 0 || os.Getenv("MOMENTUM") == "" {
		t.Errorf("the worker's own %s is passed on", env[i])
	}
	if !slices.Contains(env, "LR=0.5") {
		t.Errorf("no LR in %v", env)
	}
}

func TestCommandPlaceholders(t *testing.T) {
	space := search.Space{search.Float("lr", 0, 1), search.Choice("o", "adam", "sgd")}
	space[1].Dim().Options[1].Space = search.Space{search.Float("momentum", 0, 1)}
	for want, c := range map[string]Command{
		`args[2]: no parameter "{momemtum}"; did you mean {momentum}?`:                      {Args: []string{"x", "{lr}", "{momemtum}"}},
		`env.LR: no parameter "{lrr}"; did you mean {lr}?`:                                  {Args: []string{"x"}, Env: map[string]string{"LR": "{lrr}"}},
		`args[1]: no parameter "{args:hydro}"; did you mean {args:hydra}?`:                  {Args: []string{"x", "{args:hydro}"}},
		"args[1]: {args} stands for several arguments: give it as an argument by itself":    {Args: []string{"x", "--all={args}"}},
		"args[0]: {args} stands for several arguments":                                      {Args: []string{"{args}"}},
		"env.A: {args} stands for several arguments, and belongs to args":                   {Args: []string{"x"}, Env: map[string]string{"A": "{args}"}},
		"args[0]: a candidate without momentum would have no program":                       {Args: []string{"x{momentum}"}},
		"args[2]: a candidate without momentum would lose this argument, which is more tha": {Args: []string{"sh", "-c", "train {momentum}"}},
		`args[1]: "a\x00b": no argument can have a zero byte`:                               {Args: []string{"x", "a\x00b"}},
		`env.A: "\x00": no variable can have a zero byte`:                                   {Args: []string{"x"}, Env: map[string]string{"A": "\x00"}},
		`env: "A=B" is not the name of a variable`:                                          {Args: []string{"x"}, Env: map[string]string{"A=B": "1"}},
	} {
		if err := c.Validate(space); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v: %v, want %q", c, err, want)
		}
	}
	if err := (&Command{Args: []string{"x"}}).Validate(search.Space{search.Float("args", 0, 1)}); err == nil {
		t.Error("a parameter may be named args")
	}
}
