package search_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"budwood/search"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"loss 0.5\n": "loss 0.5\n",
		"  1%|#    |\r 50%|###  |\r100%|#####|\nx": "100%|#####|\nx",
		"downloading…\rdone\x1b[K\n":               "done\n",
		"a long line\rshort      \n":               "short\n",
		"|\b/\b-\b\\":                              "\\",
		strings.Repeat("\x1b[K\b\b", 1000) + "no":  "no",
		"\x1b[1;31mred\x1b[0m":                     "red",
		"\x1b]0;title\atext\x1b]8;;u\x1b\\link":    "textlink",
		"\x1b]0;no end\nnext":                      "0;no end\nnext",
		"12345\x1b[3Dx":                            "12x45",
		"12345\x1b[1Gx\x1b[999999999Cy":            "x2345" + strings.Repeat(" ", 1<<12-5) + "y",
		"a\x00b\x07c\x7fd\u009b31me\u0085f":        "abcdef",
		"safe\u202efdp.exe\u2066":                  "safefdp.exe",
		"\xff\xfe bytes \xe2\x82":                  "\ufffd\ufffd bytes \ufffd",
		"half an escape \x1b[3":                    "half an escape ",
		"half an escape \x1b":                      "half an escape ",
		"\x1b(Btext\x1bM":                          "text",
		"tab\there":                                "tab\there",
		"Größe 0,5 ∞ 損失":                           "Größe 0,5 ∞ 損失",
		"dos\r\nends\r\n":                          "dos\nends\n",
	} {
		if got := search.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := search.OneLine("Traceback:\n\tline 3\x1b[31m\n"); got != "Traceback:  line 3" {
		t.Errorf("%q", got)
	}
}

func FuzzPlain(f *testing.F) {
	f.Add("\x1b[2K\r50%\b\b|\n\u009b1;3m\xffü")
	f.Fuzz(func(t *testing.T, s string) {
		out := search.Plain(s)
		for _, r := range out {
			if r < ' ' && r != '\n' && r != '\t' || r >= 0x7f && r < 0xa0 {
				t.Fatalf("%q holds %q", out, r)
			}
		}
		if !utf8.ValidString(out) || search.Plain(out) != out {
			t.Fatalf("%q of %q is not plain", out, s)
		}
		if strings.ContainsAny(search.OneLine(s), "\n\r\t") {
			t.Fatalf("more than one line of %q", s)
		}
	})
}
