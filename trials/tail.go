package trials

import (
	"bytes"
	"strings"
	"sync"
)

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	cap  int
	buf  []byte
	lost int64
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - t.cap; over > t.cap { // cut now and then, not at each write
		t.lost += int64(over)
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(p), nil
}

// Bytes are what was kept, at most the cap.
func (t *tail) Bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.buf[max(len(t.buf)-t.cap, 0):])
}

// lines are the last n lines.
func (t *tail) lines(n int) string {
	all := strings.Split(strings.TrimRight(string(t.Bytes()), "\n"), "\n")
	return strings.Join(all[max(len(all)-n, 0):], "\n")
}
