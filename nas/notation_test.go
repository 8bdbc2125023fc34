package nas

import (
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

func TestNotation(t *testing.T) {
	for text, want := range map[string]string{
		"[]":                            "[]",
		"{}":                            "{}",
		"()":                            "()",
		"relu":                          "relu",
		" [ conv(8)  {relu 12:[tanh]}]": "[conv(8) {relu 12:[tanh]}]",
		"(skip+conv(0,1) + [] )":        "(skip + conv(0,1) + [])",
		"<none relu skip>":              "<none relu skip>",
		"conv(8,3,2)":                   "conv(8,3,2)",
		"conv(8,3,1)":                   "conv(8)",
		"conv(0)":                       "conv",
		"[conv1d(8,5) relu]":            "[conv1d(8,5) relu]",
		"dropout(0.1)":                  "dropout(0.1)",
		"dropout(0)":                    "dropout(0)",
	} {
		g := genome(t, text)
		if got, err := g.MarshalText(); string(got) != want || err != nil {
			t.Errorf("%q: got %s, %v, want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":              `column 1: "" is not an operation`,
		"[relu":         "column 6: ']' is missing",
		"[relu]]":       "column 7: nothing may follow",
		"rellu":         `column 6: "rellu" is not an operation`,
		"dense":         "column 6: dense needs out",
		"dense(-1)":     "column 9: dense: out: -1 is not a whole number from 0 to 1048576",
		"dense(1.5)":    "column 10: dense: out: 1.5 is not a whole number from 0 to 1048576",
		"dense(x)":      `column 7: dense: "" is not a number`,
		"dense(8,3)":    "column 8: dense(out) has no more attributes",
		"dense(8":       "column 8: dense(out) has no more attributes",
		"dropout(1)":    "column 10: dropout: p: 1 is outside [0, 1)",
		"1relu":         "column 2: a number needs a colon and its alternative behind it",
		"99999999:relu": "column 9: a number needs a colon and its alternative behind it",
		"(relu tanh)":   "column 7: a sum needs + between its branches",
		"(relu + )":     `column 9: "" is not an operation`,
		"<relu tanh>":   "column 12: no cell has 2 edges",
		strings.Repeat("[", 200) + strings.Repeat("]", 200): "column 102: more than 10000 nodes, or nested more than 100 deep",
	} {
		var g Genome
		if err := g.UnmarshalText([]byte(text)); err == nil || !strings.HasPrefix(err.Error(), "genome: "+want) {
			t.Errorf("%q:\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestFromParamsSaysWhatIsMissing(t *testing.T) {
	for _, p := range []search.Params{nil, {}, {"architecture": 3.}, {"architecture": map[string]any{}}} {
		if _, err := FromParams(p); err == nil {
			t.Errorf("%v gave a genome", p)
		}
	}
}

// Whatever reads as a genome is written, named, hashed and decoded without
// harm, and comes back the same.
func FuzzGenome(f *testing.F) {
	for _, s := range []string{
		"[{[dense(64) 1:batchnorm relu dropout(0.1)]}]",
		"[(skip + [conv(8,5,2) relu]) maxpool globalpool]",
		"<none conv(0,1) skip>", "-1:[]", "dense(1e+99)", "[[[[[]]]]]", "99:", "()",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var g Genome
		if g.UnmarshalText([]byte(text)) != nil {
			return
		}
		out, err := g.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Genome
		if err := back.UnmarshalText(out); err != nil || !back.Equal(g) || back.Hash() != g.Hash() {
			t.Fatalf("%s became %s: %v", text, out, err)
		}
		_ = g.String()
		if net, err := g.Network(data.Shape{8, 8, 2}, 3); err == nil {
			if _, _, err := engine.Measure(net, data.Shape{8, 8, 2}); err != nil {
				t.Fatalf("%v decoded to what cannot be measured: %v", g, err)
			}
		}
	})
}
