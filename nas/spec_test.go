package nas

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"budwood/search"
)

func TestSpecDefaults(t *testing.T) {
	for block, want := range map[string]string{
		`{"family":"mlp"}`: `{"family":"mlp","depth":[1,3],"width":[16,256],"ops":["dense","relu"],"norm":["none","batch"],"dropout":[0,0.5]}`,
		`{"family":"cnn","ops":["residual","gelu"],"depth":[2]}`: `{"family":"cnn","stages":[1,3],"depth":[2],"channels":[8,64],"kernels":[3,5],` +
			`"ops":["residual","gelu","maxpool"],"norm":["batch"],"dropout":[0,0.5]}`,
		`{"grammar":"relu"}`: `{"grammar":"relu"}`,
	} {
		var s Spec
		if err := json.Unmarshal([]byte(block), &s); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(s.WithDefaults())
		if err != nil || string(got) != want {
			t.Errorf("%s:\n got %s, %v\nwant %s", block, got, err, want)
		}
		if _, err := s.Space(); err != nil {
			t.Errorf("%s: %v", block, err)
		}
	}
}

// The grammars of the families, as study files write them.
func TestFamilies(t *testing.T) {
	for block, want := range map[string]string{
		`{"family":"mlp","depth":[0,2],"width":[10,20],"ops":["relu","tanh","dense","residual"],"norm":["batch"],"dropout":[0.1]}`: `{"of":{"oneof":[` +
			`[{"op":"dense","out":{"int":[10,20],"log":true}},"batchnorm",{"oneof":["relu","tanh"]},{"op":"dropout","p":0.1}],` +
			`{"add":["skip",[{"op":"dense","out":{"int":[10,20],"log":true}},"batchnorm",{"oneof":["relu","tanh"]},{"op":"dropout","p":0.1}]]}]},"repeat":[0,2]}`,
		`{"family":"cnn","stages":[1,2],"depth":[1],"channels":[8,32],"kernels":[3],"ops":["conv","depthwise"],"width":[16],"dropout":[0,0.5]}`: `[` +
			`{"of":[{"of":{"oneof":[[{"kernel":3,"op":"conv","out":{"int":[8,32],"log":true,"step":8}},"batchnorm","relu"],` +
			`[{"kernel":3,"op":"depthwise"},"batchnorm","relu",{"kernel":{"choice":[1]},"op":"conv","out":{"int":[8,32],"log":true,"step":8}},"batchnorm","relu"]]},"repeat":[1,1]},"maxpool"],"repeat":[1,2]},` +
			`{"oneof":["globalpool","flatten"]},{"of":[{"op":"dense","out":{"int":[16,16],"log":true}},"relu"],"repeat":[0,1]},{"op":"dropout","p":[0,0.1,0.2,0.3,0.4,0.5]}]`,
	} {
		var s Spec
		if err := json.Unmarshal([]byte(block), &s); err != nil {
			t.Fatal(err)
		}
		g, err := s.grammar()
		if err != nil {
			t.Fatal(err)
		}
		got, _ := json.Marshal(g)
		if diff := cmp.Diff(`{"grammar":`+want+`}`, string(got)); diff != "" {
			t.Errorf("%s: %s", block, diff)
		}
	}
}

func TestSpecErrors(t *testing.T) {
	for block, want := range map[string]string{
		`{}`:                                                           "family: is missing: write one of mlp, resnet, tabular, cnn, cell, sequence, text, or give a grammar",
		`{"family":"cnm"}`:                                             `family: "cnm" is unknown: write one of mlp, resnet, tabular, cnn, cell, sequence, text, or give a grammar`,
		`{"family":"mlp","stages":[1]}`:                                "stages: does not belong to family mlp, which has depth, width, norm, dropout, ops and limits",
		`{"family":"mlp","depth":[3,1]}`:                               "depth: [3 1] is an empty range: write the smaller bound first",
		`{"family":"mlp","depth":[1,2,3]}`:                             "depth: [1 2 3] is not a range: write [lo, hi]",
		`{"family":"mlp","width":[0,8]}`:                               "width: 0 is outside [1, 1048576]",
		`{"family":"cnn","depth":[0,8]}`:                               "depth: 0 is outside [1, 100]",
		`{"family":"mlp","dropout":[0,1]}`:                             "dropout: 1 is outside [0, 0.95]",
		`{"family":"mlp","norm":["layer"]}`:                            "norm[0]: layer is unknown: choose from [none batch]",
		`{"family":"mlp","norm":[]}`:                                   "norm: is empty: choose from [none batch], or leave the key out",
		`{"family":"mlp","ops":["relu","conv"]}`:                       "ops[1]: conv is unknown: choose from [dense residual relu leaky_relu gelu silu tanh sigmoid]",
		`{"family":"mlp","ops":["relu","relu"]}`:                       "ops[1]: relu stands twice",
		`{"family":"cnn","kernels":[3,4]}`:                             "kernels[1]: 4 is unknown: choose from [1 3 5 7 9 11]",
		`{"family":"mlp","limits":{"params":-1}}`:                      "limits.params: -1 is negative; 0 means no limit",
		`{"family":"mlp","grammar":"relu"}`:                            "family: does not belong beside a grammar: leave one of them out",
		`{"grammar":"relu","depth":[1]}`:                               "depth: does not belong beside a grammar: leave one of them out",
		`{"family":"mlp","define":{"a":"relu"}}`:                       "define: belongs to a grammar, not to a family",
		`{"grammar":3}`:                                                "grammar: 3 is not a rule: write an operation, a list, or one of oneof, repeat, add, concat, cell, ref",
		`{"grammar":["relu","rellu"]}`:                                 `grammar[1].op: "rellu" is not an operation; known are`,
		`{"grammar":[{"on":["relu"]}]}`:                                "grammar[0]: keys [on] are no rule: one of op, oneof, repeat, add, concat, cell, ref must be there",
		`{"grammar":{"op":"dense"}}`:                                   "grammar: dense needs out",
		`{"grammar":{"op":"dense","out":-1}}`:                          "grammar.out: -1 is not a whole number from 0 to 1048576",
		`{"grammar":{"op":"dense","out":"many"}}`:                      "grammar.out: many is not a number",
		`{"grammar":{"op":"dense","width":8}}`:                         "grammar.width: is not an attribute of dense(out)",
		`{"grammar":{"op":"dense","out":{"int":[8]}}}`:                 "grammar.out.int: needs two bounds, [lo, hi], not [8]",
		`{"grammar":{"op":"dense","out":{"int":[8,"x"]}}}`:             "grammar.out.int[1]: x is not a number",
		`{"grammar":{"op":"dense","out":{"int":[8,9.5]}}}`:             "grammar.out.int: [8, 9.5] are not whole numbers",
		`{"grammar":{"op":"dense","out":{"int":[9,8]}}}`:               "grammar.out: the range [9, 8] is empty",
		`{"grammar":{"op":"dense","out":{"float":[8,9]}}}`:             "grammar.out: is a whole number: write int instead of float",
		`{"grammar":{"op":"dense","out":{"range":[8,9]}}}`:             "grammar.out.range: is unknown: write int, float, choice or ordinal, with log and step",
		`{"grammar":{"op":"dense","out":{"int":[8,9],"log":1}}}`:       "grammar.out.log: is true or false, not 1",
		`{"grammar":{"op":"dropout","p":1}}`:                           "grammar.p: 1 is outside [0, 1)",
		`{"grammar":{"oneof":[]}}`:                                     "grammar.oneof: needs at least one rule",
		`{"grammar":{"oneof":"relu"}}`:                                 "grammar.oneof: needs a list of rules",
		`{"grammar":{"add":[]}}`:                                       "grammar.add: needs at least one branch",
		`{"grammar":{"repeat":[1,2]}}`:                                 "grammar: repeat needs of: the rule that it derives",
		`{"grammar":{"repeat":[2,1],"of":"relu"}}`:                     "grammar.repeat: [2, 1] is not a range within 0 to 1000",
		`{"grammar":{"repeat":2,"of":"relu","op2":1}}`:                 "grammar.op2: does not belong beside repeat",
		`{"grammar":{"cell":1,"edge":"relu"}}`:                         "grammar.cell: 1 nodes are not from 2 to 12",
		`{"grammar":{"cell":"big","edge":"relu"}}`:                     "grammar.cell: big is not a whole number",
		`{"grammar":{"ref":"a"},"define":{"b":"relu"}}`:                `grammar.ref: "a" is not defined; define has [b]`,
		`{"grammar":"relu","define":{"a":["tanh",{"ref":"a"}]}}`:       `define.a[1].ref: "a" refers to itself; use repeat instead`,
		`{"grammar":"relu","define":{"a":{"op":"conv","out":-1}}}`:     "define.a.out: -1 is not a whole number from 0 to 1048576",
		`{"grammar":{"repeat":1000,"of":{"repeat":1000,"of":"relu"}}}`: "grammar: a network may get more than 10000 operations: repeat less",
	} {
		var s Spec
		if err := json.Unmarshal([]byte(block), &s); err != nil {
			t.Fatalf("%s: %v", block, err)
		}
		_, err := s.Space()
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", block, err, want)
			continue
		}
		var at *GrammarError
		if !errors.As(err, &at) || !strings.HasPrefix(want, at.Path+": ") {
			t.Errorf("%s: the path is not in %#v", block, err)
		}
	}
}

// A grammar written and read again derives the same genomes.
func TestGrammarJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, g := drawSpace(t)
		g.Define = map[string]Rule{"a": drawRule(t, 2), "b": Ref("a")}
		spec, err := g.Spec(Limits{Params: 7})
		if err != nil {
			t.Fatal(err)
		}
		again, err := spec.Space()
		if err != nil {
			t.Fatalf("%+v: %v", spec, err)
		}
		if again.limits.Params != 7 {
			t.Fatal("the limits are lost")
		}
		for i := range 5 {
			a, b := s.Sample(search.Rand(1, i)), again.Sample(search.Rand(1, i))
			if !a.Equal(b) {
				t.Fatalf("%v became %v", a, b)
			}
		}
		text, err := json.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		var back Grammar
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if second, _ := json.Marshal(back); string(second) != string(text) {
			t.Fatalf("%s\nbecame\n%s", text, second)
		}
	})
}
