package trials

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// The marks of a report among a command's other output. The second is that of
// Syne Tune, so that its training scripts run as they are. Between a mark and the
// brace behind it may be spaces.
var reportMarks = []string{"budwood:", "[tune-metric]:"}

const (
	reportCap = 64 << 10 // bytes of one report
	beforeCap = 200      // bytes that are remembered of a line before a report
)

const esc = 0x1b

// terminalSequence is one by which a terminal is told to colour or erase what
// follows, or that it is a link; beforeBrace are what may stand before a report's
// brace: the end of a mark, or of such a sequence.
var terminalSequence = regexp.MustCompile(`^\x1b(\[[0-?]*[ -/]*[@-~]|[()][0-9A-Z]|\][^\x1b]*|\\)$`)

const beforeBrace = ": \tmKB\\\a"

// reportScanner finds the reports in what a command writes on one stream. What comes
// out does not depend on the pieces in which that arrives, and its memory not on
// what that is: output need not be lines, nor text. A report is a JSON object
// behind a mark, anywhere in a line; it ends with its last brace, and what
// follows is not ours.
type reportScanner struct {
	where string // the stream in words
	bare  bool   // it carries reports alone, a line each, that need no mark

	line    int    // ends of line seen
	before  []byte // what stands before on the line: its end, of a bare stream its beginning
	found   bool   // the line has held a report
	object  []byte // of a report that has begun, nil if none has
	depth   int    // braces and brackets that are open in it
	quoted  bool   // within a string of it
	escaped bool   // behind a backslash there
	control byte   // what has begun an escape sequence of a terminal: ESC or what follows it; 0 outside of one
}

// scan takes the next piece and passes on the reports that end in it.
func (s *reportScanner) scan(p []byte, report func(commandReport)) {
	for len(p) > 0 {
		if s.object != nil {
			p = p[s.collect(p, report):]
			continue
		}
		i := s.brace(p)
		if i < 0 {
			s.skip(p, report)
			return
		}
		s.skip(p[:i], report)
		if p = p[i+1:]; s.marked() {
			s.object = append(s.object, '{')
			s.depth, s.quoted, s.escaped, s.control, s.before = 1, false, false, 0, s.before[:0]
		} else {
			s.remember("{")
		}
	}
}

// brace is where the first brace is that may begin a report, -1 if there is none.
// Others are passed over at once, as there may be millions of them.
func (s *reportScanner) brace(p []byte) int {
	for from := 0; ; {
		i := bytes.IndexByte(p[from:], '{')
		if i < 0 {
			return -1
		}
		i += from
		before := byte(0)
		if i > 0 {
			before = p[i-1]
		} else if n := len(s.before); n > 0 {
			before = s.before[n-1]
		}
		if s.bare || strings.IndexByte(beforeBrace, before) >= 0 {
			return i
		}
		for from = i + 1; from < len(p) && p[from] == '{'; {
			from++
		}
	}
}

// end is the end of the stream.
func (s *reportScanner) end(report func(commandReport)) {
	if s.object != nil {
		report(commandReport{broken: s.wrong("the report %.200q does not end", s.object), cut: true})
	}
	s.skip([]byte{'\n'}, report)
}

// skip takes what belongs to no report.
func (s *reportScanner) skip(p []byte, report func(commandReport)) {
	if !s.bare {
		s.line += bytes.Count(p, []byte{'\n'})
		if over := len(p) - beforeCap; over > 0 {
			p, s.before = p[over:], s.before[:0]
		}
		s.before = append(s.before, p...)
		if over := len(s.before) - beforeCap; over > 0 {
			s.before = append(s.before[:0], s.before[over:]...)
		}
		return
	}
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			s.remember(string(p[:min(len(p), beforeCap)]))
			return
		}
		s.remember(string(p[:min(i, beforeCap)]))
		if text := bytes.TrimSpace(s.before); len(text) > 0 && !s.found {
			report(commandReport{broken: s.wrong("%q is not a JSON object", text)})
		}
		s.before, s.found = s.before[:0], false
		if p[i] == '\n' {
			s.line++
		}
		p = p[i+1:]
	}
}

// remember notes a short text on the line.
func (s *reportScanner) remember(text string) {
	s.before = append(s.before, text...)
	if over := len(s.before) - beforeCap; over > 0 && s.bare {
		s.before = s.before[:beforeCap]
	} else if over > 0 {
		s.before = append(s.before[:0], s.before[over:]...)
	}
}

// marked reports whether the brace that comes next begins a report.
func (s *reportScanner) marked() bool {
	text := s.before
	for { // colours between mark and brace
		text = bytes.TrimRight(text, " \t")
		if s.bare && len(bytes.TrimSpace(text)) == 0 {
			return true
		}
		for _, mark := range reportMarks {
			if bytes.HasSuffix(text, []byte(mark)) {
				return true
			}
		}
		i := bytes.LastIndexByte(text, esc)
		if i < 0 || !terminalSequence.Match(text[i:]) {
			return false
		}
		text = text[:i]
	}
}

// hasMark reports whether a line looks like one with a report.
func hasMark(line string) bool {
	for _, mark := range reportMarks {
		if _, rest, ok := strings.Cut(line, mark); ok && strings.HasPrefix(strings.TrimLeft(rest, " \t"), "{") {
			return true
		}
	}
	return false
}

// collect takes what belongs to the report that has begun, and returns how many
// bytes that are.
func (s *reportScanner) collect(p []byte, report func(commandReport)) int {
	for i, c := range p {
		switch {
		case c == '\n' || c == '\r':
			report(commandReport{broken: s.wrong("the report %.200q does not end on its line", s.object)})
			s.object, s.found = nil, true
			return i
		case len(s.object) == reportCap:
			report(commandReport{broken: s.wrong("the report %.200q is longer than %s", s.object, BytesText(reportCap))})
			s.object, s.found = nil, true
			return i
		case s.colours(c): // what colours a report is no part of it
			continue
		}
		s.object = append(s.object, c)
		switch {
		case s.escaped:
			s.escaped = false
		case s.quoted:
			s.escaped, s.quoted = c == '\\', c != '"'
		case c == '"':
			s.quoted = true
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			s.depth--
		}
		if s.depth == 0 {
			r, err := parseReport(s.object)
			if err != nil {
				r = commandReport{broken: s.wrong("%w", err)}
			}
			report(r)
			s.object, s.found = nil, true
			return i + 1
		}
	}
	return len(p)
}

// colours reports whether a byte within a report belongs to an escape sequence of a
// terminal: a colour, an erasure, a character set, a link.
func (s *reportScanner) colours(c byte) bool {
	switch {
	case c == esc:
		s.control = esc
	case s.control == esc && strings.IndexByte("[()]", c) >= 0:
		s.control = c
	case s.control == '[' && c >= 0x20 && c < 0x40, s.control == ']' && c != '\a':
	case s.control == esc && c == '\\', s.control == '[' && c < 0x7f, s.control == ']', s.control == '(', s.control == ')':
		s.control = 0
	default:
		s.control = 0
		return false
	}
	return true
}

// wrong says which line cannot be read.
func (s *reportScanner) wrong(format string, args ...any) error {
	return fmt.Errorf("line %d of %s: %w", s.line+1, s.where, fmt.Errorf(format, args...))
}
