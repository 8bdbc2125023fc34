package search_test

import (
	"strings"
	"testing"

	"budwood/search"
)

func TestFormatNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 3: "3", -3: "-3", 12345: "12345", 999_999_999_999: "999999999999", 1e12: "1e+12", -2e12: "-2e+12", 1234567890123: "1.235e+12",
		9998.6: "9999", 10000.4: "10000", 12345.6: "12346", 999_999_999_999.5: "1000000000000",
		.012345678: "0.01235", 123.456: "123.5", 1e-9: "1e-09",
	} {
		if got := search.FormatNumber(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestFormatExact(t *testing.T) {
	for _, c := range []struct {
		v    any
		want string
	}{
		{0., "0"}, {0, "0"}, {1e6, "1000000"}, {.0001, "0.0001"}, {1e-7, "0.0000001"}, {9e-8, "9e-08"}, {-9e-8, "-9e-08"},
		{1e15, "1000000000000000"}, {9.5e15, "9500000000000000"}, {1e16, "1e+16"}, {-1e16, "-1e+16"}, {int64(7), "7"},
		{"", `""`}, {"relu", "relu"}, {true, "true"}, {strings.Repeat("x", 60), strings.Repeat("x", 60)},
		{strings.Repeat("x", 61), strings.Repeat("x", 59) + "…"},
	} {
		if got := search.FormatExact(c.v); got != c.want {
			t.Errorf("%v: %s, want %s", c.v, got, c.want)
		}
	}
}

func TestBriefKeepsWhatFits(t *testing.T) {
	for _, c := range []struct {
		s    string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"abcd", 1, "…"}, {"größere", 6, "größe…"}, {"größere", 7, "größere"}, {"日本語のテキスト", 5, "日本語の…"}, {"日本語", 1, "…"}, {"日本語", 0, "…"}, {"ää", 3, "ää"}, {"", 0, ""},
	} {
		if got := search.Brief(c.s, c.n); got != c.want {
			t.Errorf("%q in %d: %q, want %q", c.s, c.n, got, c.want)
		}
	}
	if got := search.Quoted("a\n\"b\""); got != `"a\n\"b\""` {
		t.Error(got)
	}
}
