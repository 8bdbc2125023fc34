package network

import (
	"encoding/binary"
	"fmt"
	"io"
)

// part is the next so many bytes of a reader.
type part struct {
	r    io.Reader
	left int64
}

// Len is the number of bytes that are left.
func (p *part) Len() int { return int(p.left) }

// Read reads on, up to the end of the part.
func (p *part) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	return n, err
}

// partOf reads a length (8 bytes, little-endian) and returns as many bytes that
// follow.
func partOf(r io.Reader) (*part, error) {
	var n int64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	if l, ok := r.(interface{ Len() int }); n < 0 || ok && n > int64(l.Len()) {
		return nil, fmt.Errorf("it is cut off: %w", io.ErrUnexpectedEOF)
	}
	return &part{r, n}, nil
}

// writeBehindLength writes what write writes behind its length, for which write
// is called twice: what it writes is not held in memory.
func writeBehindLength(w io.Writer, write func(io.Writer) error) error {
	var n byteCount
	if err := write(&n); err != nil {
		return err
	}
	if err := binary.Write(w, binary.LittleEndian, int64(n)); err != nil {
		return err
	}
	return write(w)
}

// byteCount counts the bytes that are written to it.
type byteCount int64

func (c *byteCount) Write(b []byte) (int, error) {
	*c += byteCount(len(b))
	return len(b), nil
}
