package main

import (
	"io"

	"budwood/search"
)

// plain is where the program prints: nothing that other programs wrote (a reason,
// a log, a name) can make a terminal do anything but show it.
type plain struct{ to io.Writer }

// Write prints what is one text by itself.
func (p plain) Write(b []byte) (int, error) {
	if _, err := io.WriteString(p.to, search.Plain(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// exact is the same place for what programs read, which must not be changed, and
// for what we draw ourselves.
func exact(w io.Writer) io.Writer {
	if p, ok := w.(plain); ok {
		return p.to
	}
	return w
}
