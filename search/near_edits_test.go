package search

import (
	"slices"
	"testing"
)

// Optimal string alignment, by hand.
func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "xabc", 1}, {"abc", "bc", 1}, {"abc", "axc", 1},
		{"ab", "ba", 1}, {"abcd", "abdc", 1}, {"abcd", "badc", 2}, {"ca", "abc", 3}, {"abc", "xyz", 3}, {"lr", "rl", 1}, {"äb", "bä", 1},
		{"kitten", "sitting", 3}, {"b", "abc", 2}, {"abab", "baba", 2},
	} {
		if got := edits(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := edits(c.b, c.a); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

// A third of the letters may differ, one in a short word, and a part of more than
// two letters may stand for the whole.
func TestNearestByLength(t *testing.T) {
	for _, c := range []struct {
		written string
		names   []string
		want    []string
	}{
		{"lr", []string{"Lt", "width"}, []string{"Lt"}}, {"x", []string{"y"}, nil}, {"wi", []string{"width"}, nil}, {"wid", []string{"width"}, []string{"width"}},
		{"abcdef", []string{"abcdxy"}, []string{"abcdxy"}}, {"abcdef", []string{"abcxyz"}, nil}, {"abcde", []string{"abcxy"}, nil},
		{"abcdef", []string{"abcdxy", "abcdex", "abcdeg"}, []string{"abcdex", "abcdeg"}},
		{"", []string{"a"}, nil},
	} {
		if got := Nearest(c.written, c.names, 2); !slices.Equal(got, c.want) {
			t.Errorf("%q of %q: %q, want %q", c.written, c.names, got, c.want)
		}
	}
	if got := Nearest("abc", []string{"abd"}, 0); len(got) != 0 {
		t.Errorf("%q of none", got)
	}
}
