package search_test

import (
	"strings"
	"testing"

	"budwood/search"
)

// What a terminal obeys is left out, what it shows stays: the first and the last
// of each range, and their neighbours.
func TestPlainLeavesOutWhatIsObeyed(t *testing.T) {
	for _, r := range []rune{0, 1, 0x1f, 0x7f, 0x80, 0x9f, 0x200e, 0x200f, 0x2028, 0x202a, 0x202e, 0x2066, 0x2069} {
		if got := search.Plain("a" + string(r) + "b"); got != "ab" {
			t.Errorf("%U: %q", r, got)
		}
	}
	for _, r := range []rune{' ', '~', 0xa0, 0x200d, 0x2010, 0x2027, 0x202f, 0x2065, 0x206a, 0xfffd, '\t', '\n'} {
		// once as a text that is plain, once in one that is not
		for _, s := range []string{"", "\r"} {
			if got := search.Plain(s + "a" + string(r) + "b"); got != "a"+string(r)+"b" {
				t.Errorf("%U: %q", r, got)
			}
		}
	}
	for in, want := range map[string]string{"a\vb": "a\nb", "a\fb": "a\nb", "ab\b\b\b\bc": "cb", "abc\bx": "abx", "abc\rx": "xbc", "a\xffb": "a\ufffdb", "a\xe2\x82b\xe2\x82": "a\ufffdb\ufffd"} {
		if got := search.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// Sequences that move on the line or erase are followed, and of all others nothing
// is left: neither less nor more than the sequence (ECMA-48, 5.4).
func TestPlainFollowsSequences(t *testing.T) {
	for in, want := range map[string]string{
		"12345\x1b[2Dx":        "123x5",
		"12345\x1b[Dx":         "1234x",
		"12345\x1b[0Dx":        "12345x",
		"12345\x1b[9Dx":        "x2345",
		"12345\x1b[2Gx":        "1x345",
		"12345\x1b[Gx":         "x2345",
		"12345\x1b[0Gx":        "x2345",
		"12\x1b[2Cx":           "12  x",
		"12\x1b[Cx":            "12 x",
		"12\x1b[12Cx":          "12            x",
		"12345\x1b[2D\x1b[Kx":  "123x",
		"12345\x1b[2D\x1b[0Kx": "123x",
		"12345\x1b[2D\x1b[1Kx": "   x5",
		"12345\x1b[2D\x1b[2Kx": "   x",
		"12345\x1b[2D\x1b[3Kx": "123x5",
		"12\x1b[3C\x1b[1Kx":    "     x",
		"12\x1b[3C\x1b[Kx":     "12   x",
		"12345\x1b[ 2Dx":       "123x5",
		"12345\x1b[?2Dx":       "123x5",
		"a\x1b[1;31mb":         "ab",
		"a\x1b[?25hb":          "ab",
		"a\x1b[ @b":            "ab", // the first of what may stand between, and the first that ends
		"a\x1b[/~b":            "ab", // the last of both
		"a\x1b[?@b":            "ab",
		"a\x1b[3\x7fb":         "ab", // cut short: the control character ends it
		"a\x1b[3\nb":           "a\nb",
		"a\x1b7b":              "ab",
		"a\x1b0b":              "ab",
		"a\x1b~b":              "ab",
		"a\x1b\x7fb":           "ab",
		"a\x1büb":              "aüb",
		"a\x1b /0b":            "ab",
		"a\x1b(":               "a",
		"a\x1b(\nb":            "a\nb",
		"a\x1bPtext\x1b\\b":    "ab",
		"a\x1bXtext\ab":        "ab",
		"a\x1b^text\x1b\\b":    "ab",
		"a\x1b_text\x1b\\b":    "ab",
		"a\x1b]text\nb\x1b\\c": "atext\nbc", // its end is not on the line
		"a\u009b31mb":          "ab",
		"a\u009b2Kb":           " b",
	} {
		if got := search.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	// What goes on for too long is no text for the terminal.
	long := strings.Repeat("x", 1<<12-2)
	if got := search.Plain("\x1b]" + long + "\ay"); got != "y" {
		t.Errorf("a text of %d is shown: %.9q…", len(long), got)
	}
	if got := search.Plain("\x1b]" + long + "xxx\ay"); got != long+"xxxy" {
		t.Errorf("a text of %d is left out", len(long)+3)
	}
}

// A line that was shortened by spaces has none at its end; spaces that were
// written stay.
func TestPlainEndsOfLines(t *testing.T) {
	for in, want := range map[string]string{
		"abc  \n": "abc  \n", "long\ra   \nb  ": "a\nb  ", "abc\r   \n": "\n", "ab\rcd  ": "cd",
	} {
		if got := search.Plain(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"  a  ": "  a  ", "  a\n": "a", "\va ": "a", "\fa\f": "a", "a\rb": "b", "a\tb\nc": "a b c"} {
		if got := search.OneLine(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
