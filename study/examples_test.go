package study

import (
	"reflect"
	"strings"
	"testing"

	"budwood/search"
)

// Three candidates show every branch that three can show.
func TestExamples(t *testing.T) {
	src := `
name: absent
command: {args: [python3, train.py, "{args}"], env: {MOMENTUM: "{momentum}"}}
constraints: ["layers < 4"]
space:
  - {name: optimizer, choice: [adam, adamw, {value: sgd, space: [{name: momentum, float: [0, 0.99]}]}]}
  - {name: amp, choice: [true, false]}
  - {name: layers, int: [1, 4]}
`
	s, _, err := parse([]byte(src))
	if err == nil {
		err = s.Complete()
	}
	if err != nil {
		t.Fatal(err)
	}
	list, err := s.Examples(3)
	if err != nil || len(list) != 3 {
		t.Fatalf("%v, %v", list, err)
	}
	seen := map[any]bool{}
	for _, p := range list {
		if _, ok := p["momentum"]; ok != (p["optimizer"] == "sgd") || p["layers"].(int) > 3 {
			t.Errorf("%v", p)
		}
		seen[p["optimizer"]], seen[p["amp"]] = true, true
	}
	if len(seen) != 5 {
		t.Errorf("%v does not show every option", list)
	}
	if again, _ := s.Examples(3); !reflect.DeepEqual(again, list) {
		t.Errorf("%v, then %v", list, again)
	}
	s.Space, s.Constraints = search.Space{search.Choice("amp", true, false)}, nil
	if list, err = s.Examples(3); err != nil || len(list) != 2 {
		t.Errorf("of a space of two: %v, %v", list, err)
	}
}

// A placeholder of no parameter is told with its place in the file.
func TestPlaceholdersOfNoParameter(t *testing.T) {
	for _, c := range []struct{ command, path, want string }{
		{`{args: [x, "{momemtum}"]}`, "command.args[1]", "did you mean {momentum}?"},
		{`{args: [x], env: {LR: "{lrr}"}}`, "command.env.LR", "did you mean {lr}?"},
		{`{args: [sh, -c, "x {momentum}"]}`, "command.args[2]", "a candidate without momentum would lose this argument"},
	} {
		src := "name: a\ncommand: " + c.command + "\nspace:\n  - {name: lr, float: [0, 1]}\n  - {name: o, choice: [adam, {value: sgd, space: [{name: momentum, float: [0, 0.99]}]}]}\n"
		s, root, err := parse([]byte(src))
		if err == nil {
			err = s.Complete()
		}
		field, ok := err.(*FieldError)
		if !ok || field.Path != c.path || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s: %s", c.command, err, c.path, c.want)
			continue
		}
		if e, ok := fileError("a.yaml", root, err).(*FileError); !ok || e.Line != 2 || e.Column < 11 {
			t.Errorf("%s: %v", c.command, e)
		}
	}
}
