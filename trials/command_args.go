package trials

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"budwood/search"
)

// Names that a placeholder may have besides the parameters'.
const (
	nameTrial      = "trial"      // t0031
	nameSeed       = "seed"       // of the trial
	nameEpochs     = "epochs"     // to train up to in this segment
	nameTotal      = "total"      // if nothing stops it
	nameDone       = "done"       // epochs that are known already
	nameParams     = "params"     // path of the parameters as JSON
	nameCheckpoint = "checkpoint" // path of the checkpoint directory

	nameArgs  = "args"       // --name value of every parameter that the candidate has
	nameHydra = "args:hydra" // the same as name=value
)

var (
	reserved = []string{nameTrial, nameSeed, nameEpochs, nameTotal, nameDone, nameParams, nameCheckpoint}
	several  = []string{nameArgs, nameHydra} // stand for several arguments

	placeholder = regexp.MustCompile(`\{\{|\}\}|\{[^{}]*\}`)
)

// Validate checks the command against the parameters that candidates may have.
// An error begins with the place: args[2], env.LR.
func (c *Command) Validate(space search.Space) error {
	if len(c.Args) == 0 || c.Args[0] == "" {
		return fmt.Errorf("args: give the program and its arguments, like [python3, train.py, --lr, \"{lr}\"]")
	}
	known := append(slices.Clone(reserved), several...)
	always := map[string]bool{}
	for _, p := range space {
		always[p.Dim().Name] = true
	}
	for _, d := range space.Dims() {
		if slices.Contains(known[:len(reserved)+len(several)], d.Name) {
			return fmt.Errorf("parameter %q: the name is taken by the protocol; the others are %s", d.Name, strings.Join(reserved, ", "))
		}
		known = append(known, d.Name)
	}
	for i, a := range c.Args {
		if strings.Contains(a, "\x00") {
			return fmt.Errorf("args[%d]: %q: no argument can have a zero byte", i, a)
		}
		if err := checkPlaceholders(a, known); err != nil {
			return fmt.Errorf("args[%d]: %w", i, err)
		}
		if style, ok := wholePlaceholder(a); ok && slices.Contains(several, style) && i > 0 {
			continue
		}
		for _, name := range placeholdersIn(a) {
			switch {
			case slices.Contains(several, name):
				return fmt.Errorf("args[%d]: {%s} stands for several arguments: give it as an argument by itself, behind the program", i, name)
			case slices.Contains(reserved, name), always[name]:
			case i == 0:
				return fmt.Errorf("args[0]: a candidate without %s would have no program", name)
			case strings.ContainsAny(a, " \t\n"):
				return fmt.Errorf("args[%d]: a candidate without %s would lose this argument, which is more than one word: give %s in env, as an argument by itself, or {args}", i, name, name)
			}
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		if k == "" || strings.ContainsAny(k, "=\x00") {
			return fmt.Errorf("env: %q is not the name of a variable", k)
		}
		if strings.Contains(c.Env[k], "\x00") {
			return fmt.Errorf("env.%s: %q: no variable can have a zero byte", k, c.Env[k])
		}
		if !isTemplate(c.Env[k]) {
			continue
		}
		if err := checkPlaceholders(c.Env[k], known); err != nil {
			return fmt.Errorf("env.%s: %w", k, err)
		}
		for _, name := range placeholdersIn(c.Env[k]) {
			if slices.Contains(several, name) {
				return fmt.Errorf("env.%s: {%s} stands for several arguments, and belongs to args", k, name)
			}
		}
	}
	for _, l := range []struct {
		name string
		v    int64
	}{{"time", int64(c.Time)}, {"mem", c.Mem}, {"cpu", int64(c.CPU)}, {"grace", int64(c.Grace)}} {
		if l.v < 0 {
			return fmt.Errorf("%s: %d is negative", l.name, l.v)
		}
	}
	return nil
}

// checkPlaceholders tells which placeholder of a text is of no parameter.
func checkPlaceholders(text string, known []string) error {
	for _, name := range placeholdersIn(text) {
		if slices.Contains(known, name) {
			continue
		}
		if near := search.Nearest(name, known, 1); len(near) > 0 {
			return fmt.Errorf("no parameter %q; did you mean {%s}?", "{"+name+"}", near[0])
		}
		return fmt.Errorf("no parameter %q; write {{ and }} for braces", "{"+name+"}")
	}
	return nil
}

// placeholdersIn lists the names of a text's placeholders.
func placeholdersIn(text string) []string {
	var out []string
	for _, m := range placeholder.FindAllString(text, -1) {
		if m != "{{" && m != "}}" {
			out = append(out, m[1:len(m)-1])
		}
	}
	return out
}

// isTemplate reports whether the value of a variable has placeholders: one like
// {"a": {"b": 1}} has none.
func isTemplate(text string) bool {
	return strings.Contains(text, "{{") || slices.ContainsFunc(placeholdersIn(text), func(name string) bool {
		return name != "" && !strings.ContainsAny(name, "\"', \t\n")
	})
}

// wholePlaceholder is the name of the placeholder that a text consists of.
func wholePlaceholder(text string) (name string, ok bool) {
	if m := placeholder.FindString(text); m == text && m != "" && m != "{{" && m != "}}" {
		return m[1 : len(m)-1], true
	}
	return "", false
}

// fill replaces the placeholders of a text: {name} by the value, {{ and }} by
// braces. It is not whole if the candidate lacks a parameter.
func fill(text string, values map[string]string) (out string, whole bool) {
	whole = true
	out = placeholder.ReplaceAllStringFunc(text, func(m string) string {
		switch m {
		case "{{":
			return "{"
		case "}}":
			return "}"
		}
		v, ok := values[m[1:len(m)-1]]
		whole = whole && ok
		return v
	})
	return out, whole
}

// expand is the argument vector for a candidate: no shell sees it. An argument
// whose placeholder is of a parameter that the candidate lacks is left out, and
// the flag before it too, unless another value of that flag is left. One that is a
// parameter alone, belongs to no flag and comes out empty is left out as well: a
// flag that is there or not.
func (c *Command) expand(p search.Params, values map[string]string) []string {
	var out []string
	flag, kept, lost := -1, 0, 0 // where in out the flag is whose values come; how many of these came, and were left out
	begin := func(at int) {
		if flag >= 0 && kept == 0 && lost > 0 {
			out = slices.Delete(out, flag, flag+1)
			at = min(at, len(out))
		}
		flag, kept, lost = at, 0, 0
	}
	for i, a := range c.Args {
		style, alone := wholePlaceholder(a)
		value, whole := fill(a, values)
		switch {
		case alone && slices.Contains(several, style):
			begin(-1)
			out = append(out, arguments(p, style)...)
		case len(placeholdersIn(a)) == 0 && i > 0 && isFlag(value):
			begin(len(out))
			out = append(out, value)
		case len(placeholdersIn(a)) == 0 || strings.HasPrefix(a, "-"):
			begin(-1)
			if whole {
				out = append(out, value)
			}
		case !whole:
			lost++
		case alone && value == "" && flag < 0:
		default:
			kept++
			out = append(out, value)
		}
	}
	begin(-1)
	if !filepath.IsAbs(out[0]) && strings.ContainsRune(out[0], filepath.Separator) {
		out[0] = filepath.Join(c.Dir, out[0])
	}
	return out
}

// isFlag reports whether an argument is a flag whose value comes next.
func isFlag(a string) bool {
	if len(a) < 2 || a[0] != '-' || a == "--" || strings.Contains(a, "=") {
		return false
	}
	_, number := numberIn(a)
	return !number
}

// arguments are a candidate's parameters as arguments, in alphabetical order:
// --name value, of a boolean --name or --no-name; for Hydra name=value.
func arguments(p search.Params, style string) []string {
	var out []string
	for _, k := range p.Names() {
		text := paramText(p[k])
		on, truth := p[k].(bool)
		switch {
		case style == nameHydra:
			if s, ok := p[k].(string); ok {
				text = hydraText(s)
			}
			out = append(out, k+"="+text)
		case truth && on:
			out = append(out, "--"+k)
		case truth:
			out = append(out, "--no-"+k)
		case strings.HasPrefix(text, "-"): // else it may be taken for a flag
			out = append(out, "--"+k+"="+text)
		default:
			out = append(out, "--"+k, text)
		}
	}
	return out
}

var hydraPlain = regexp.MustCompile(`^[A-Za-z0-9_./:+@%*?|$-]+$`)

// hydraQuotes are quotation marks with the backslashes before them, which alone
// mean more than themselves; the last is that behind the text.
var hydraQuotes = regexp.MustCompile(`\\*('|$)`)

// hydraText quotes what Hydra would take apart.
func hydraText(s string) string {
	if hydraPlain.MatchString(s) {
		return s
	}
	return "'" + hydraQuotes.ReplaceAllStringFunc(s, func(m string) string {
		slashes := strings.TrimSuffix(m, "'")
		if slashes != m {
			m = `\'`
		} else {
			m = ""
		}
		return slashes + slashes + m
	}) + "'"
}

// paramText is a parameter's value as a program reads it.
func paramText(v any) string {
	switch v := v.(type) {
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1e15 { // 1000000: an int came through JSON, or may be read as one
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string, int, bool:
		return fmt.Sprint(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// values are what placeholders stand for in a trial.
func (t *Trial) values(params, checkpoint string) map[string]string {
	out := map[string]string{
		nameTrial: t.Name(), nameSeed: strconv.FormatUint(t.Seed()>>33, 10), nameEpochs: strconv.Itoa(t.task.To),
		nameTotal: strconv.Itoa(t.Total()), nameDone: strconv.Itoa(t.progress.Epoch), nameParams: params, nameCheckpoint: checkpoint,
	}
	for k, v := range t.Params {
		out[k] = paramText(v)
	}
	return out
}

// variables are the command's own additions to the environment, name=value in
// alphabetical order, and the names of those that a candidate has not, for a
// parameter that it lacks.
func (c *Command) variables(values map[string]string) (set, unset []string) {
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		v, whole := c.Env[k], true
		if isTemplate(v) {
			v, whole = fill(v, values)
		}
		if whole {
			set = append(set, k+"="+v)
		} else {
			unset = append(unset, k)
		}
	}
	return set, unset
}

// Vector is what a candidate's process is given: the argument vector, and of
// [Command.Env] the variables that are set and the names of those that are not.
// The paths of the trial's own files are the variables that hold them.
func (c *Command) Vector(study string, trial search.Trial, seed uint64, epochs int) (args, set, unset []string) {
	t := &Trial{Trial: trial, task: Task{Study: study, Trial: trial, Seed: seed, To: epochs, Total: epochs}}
	values := t.values("$BUDWOOD_PARAMS", "$BUDWOOD_CHECKPOINT")
	args = c.expand(trial.Params, values)
	set, unset = c.variables(values)
	return args, set, unset
}
