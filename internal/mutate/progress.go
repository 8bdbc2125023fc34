package main

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// progress is one line on a terminal that says what goes on; elsewhere it is silent.
type progress struct {
	mu sync.Mutex
	w  io.Writer // nil if there is no terminal
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	if !ok {
		return &progress{}
	}
	if st, err := f.Stat(); err != nil || st.Mode()&os.ModeCharDevice == 0 {
		return &progress{}
	}
	return &progress{w: w}
}

func (p *progress) say(format string, args ...any) { p.put("\r\x1b[K"+format, args...) }

func (p *progress) clear() { p.put("\r\x1b[K") }

func (p *progress) put(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.w != nil {
		fmt.Fprintf(p.w, format, args...)
	}
}
