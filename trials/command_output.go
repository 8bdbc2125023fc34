package trials

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"unicode"

	"budwood/search"
)

// excerpt is the beginning and the end of what was written to it, however much that
// was.
type excerpt struct {
	mu         sync.Mutex
	first      int // bytes of the beginning to keep
	last       int // and of the end
	head, tail []byte
	cut        int64 // bytes between them
}

func (k *excerpt) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := min(len(p), k.first-len(k.head))
	k.head = append(k.head, p[:n]...)
	rest := p[n:]
	if over := len(rest) - k.last; over > 0 {
		k.cut += int64(over + len(k.tail))
		k.tail, rest = k.tail[:0], rest[over:]
	}
	k.tail = append(k.tail, rest...)
	if over := len(k.tail) - k.last; over > k.last { // cut now and then, not at each write
		k.cut += int64(over)
		k.tail = append(k.tail[:0], k.tail[over:]...)
	}
	return len(p), nil
}

// Bytes are what was kept, and a line that tells what was not.
func (k *excerpt) Bytes() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	over := max(len(k.tail)-k.last, 0)
	cut := k.cut + int64(over)
	if cut == 0 {
		return append(bytes.Clone(k.head), k.tail...)
	}
	out := bytes.Clone(k.head)
	out = fmt.Appendf(out, "\n… budwood left out %s of output here …\n", BytesText(cut))
	return append(out, k.tail[over:]...)
}

// lines are the last n lines as a terminal would show them, at most so many bytes
// each, without what says nothing: blank lines, rules, and reports.
func (k *excerpt) lines(n, most int) []string {
	k.mu.Lock()
	over := max(len(k.tail)-k.last, 0)
	text := append(bytes.Clone(k.head), k.tail[over:]...)
	k.mu.Unlock()
	if k.cut > 0 || over > 0 { // it begins somewhere: take the next line, or state of a line
		if i := bytes.IndexAny(text, "\r\n"); i >= 0 && i < len(text)-1 {
			text = text[i+1:]
		}
	}
	all := strings.Split(search.Plain(string(text)), "\n")
	var out []string
	for _, line := range all {
		line = strings.TrimRight(line, " \t")
		if strings.IndexFunc(line, isWordy) < 0 || hasMark(line) {
			continue
		}
		out = append(out, clipped(line, most))
	}
	return out[max(len(out)-n, 0):]
}

func isWordy(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// maxReason is how long the reason of a trial's end may be, in bytes: it is sent
// around and kept in many places.
const maxReason = 4 << 10

// Reason is a text as the reason of a trial's end may be: it is UTF-8 and at most
// 4 kB long, of which the beginning and the end are kept.
func Reason(s string) string { return clipped(strings.ToValidUTF8(s, "\uFFFD"), maxReason) }

// clipped cuts the middle out of a text that is longer than most bytes.
func clipped(s string, most int) string {
	if len(s) <= most {
		return s
	}
	note := fmt.Sprintf(" … %s left out … ", BytesText(int64(len(s)-most)))
	head := max((most-len(note))/4, 0)
	tail := max(most-len(note)-head, 0)
	return strings.ToValidUTF8(s[:head], "") + note + strings.ToValidUTF8(s[len(s)-tail:], "")
}
