package search

import (
	"strings"
	"unicode/utf8"
)

// Plain is a text as a terminal would show it in the end, without anything that a
// terminal obeys. A carriage return and a backspace go back on their line and what
// follows replaces what stood there, as in a progress bar; escape sequences and
// all other control characters but tabs and ends of line are left out, also the
// marks that change the direction of writing. What is not UTF-8 becomes U+FFFD.
// Whatever other programs wrote passes through here before it is shown.
func Plain(s string) string {
	if isPlain(s) {
		return s
	}
	var p page
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == esc || r == csi:
			n += p.sequence(s[i+n:], r == csi)
		case r == '\n' || r == '\v' || r == '\f':
			p.end()
		case r == '\r':
			p.at = 0
		case r == '\b':
			p.at = max(p.at-1, 0)
		case r == utf8.RuneError && n == 1:
			for n < len(s)-i && !utf8.RuneStart(s[i+n]) { // one sign for the bytes of one character, or of none
				n++
			}
			p.put(r)
		case r == '\t' || !obeyed(r):
			p.put(r)
		}
		i += n
	}
	p.out.WriteString(p.text())
	return p.out.String()
}

// OneLine is [Plain] in one line.
func OneLine(s string) string {
	if strings.ContainsAny(s, "\n\r\t\v\f") {
		s = strings.TrimSpace(s)
	}
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return ' '
		}
		return r
	}, Plain(s))
}

func isPlain(s string) bool {
	for i, r := range s {
		if obeyed(r) && r != '\n' && r != '\t' || r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD") {
			return false
		}
	}
	return true
}

const (
	esc     = '\x1b'
	csi     = '\u009b' // an escape and a bracket in one
	mostRow = 1 << 12  // columns that a sequence may go to
)

// obeyed reports whether a terminal does something else with a rune than show it.
func obeyed(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 ||
		r >= 0x200e && r <= 0x200f || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069 // directions, and ends of line
}

// page is what a terminal shows, as far as [Plain] follows it: the lines before,
// and the one that is being written.
type page struct {
	out  strings.Builder
	line []rune
	at   int // where the next rune comes
	back bool
}

func (p *page) put(r rune) {
	for len(p.line) < p.at {
		p.line = append(p.line, ' ')
	}
	if p.at == len(p.line) {
		p.line = append(p.line, r)
	} else {
		p.line[p.at], p.back = r, true
	}
	p.at++
}

// text is the line; what was shortened by spaces has none at its end.
func (p *page) text() string {
	if p.back {
		return strings.TrimRight(string(p.line), " ")
	}
	return string(p.line)
}

func (p *page) end() {
	p.out.WriteString(p.text())
	p.out.WriteByte('\n')
	p.line, p.at, p.back = p.line[:0], 0, false
}

// sequence follows the escape sequence that goes on with s, and returns its
// length: those that erase or move on the line are obeyed (ECMA-48).
func (p *page) sequence(s string, control bool) int {
	i := 0
	switch {
	case control:
	case s == "":
		return 0
	case s[0] == '[':
		i = 1
	case strings.IndexByte("]PX^_", s[0]) >= 0: // a text for the terminal: up to its end, if that is near
		line := s[:min(len(s), mostRow)]
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		for _, end := range []string{"\a", "\x1b\\"} {
			if n := strings.Index(line, end); n >= 0 {
				return n + len(end)
			}
		}
		return 1
	default:
		for i < len(s) && s[i] >= 0x20 && s[i] < 0x30 {
			i++
		}
		if i < len(s) && s[i] >= 0x30 && s[i] < 0x7f {
			i++
		}
		return i
	}
	n, given := 0, false
	for ; i < len(s) && s[i] >= 0x20 && s[i] < 0x40; i++ {
		if c := s[i]; c >= '0' && c <= '9' {
			n, given = min(10*n+int(c-'0'), mostRow), true
		}
	}
	if i == len(s) || s[i] < 0x40 || s[i] > 0x7e { // cut short
		return i
	}
	by := n
	if !given {
		by = 1
	}
	switch s[i] {
	case 'K':
		switch n {
		case 0:
			p.line = p.line[:min(p.at, len(p.line))]
		case 1:
			for j := range min(p.at, len(p.line)) {
				p.line[j] = ' '
			}
		case 2:
			p.line = p.line[:0]
		}
	case 'G':
		p.at = max(by-1, 0)
	case 'C':
		p.at = min(p.at+by, mostRow)
	case 'D':
		p.at = max(p.at-by, 0)
	}
	return i + 1
}

// Clip is a text of at most n bytes: of a longer one the beginning, cut between two
// characters, and an ellipsis.
func Clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-3], "") + "…"
}
