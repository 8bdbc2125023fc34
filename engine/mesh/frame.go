package mesh

import (
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// A frame is a header of 24 bytes, little-endian, and its payload:
//
//	 0  attempt  4 bytes
//	 4  tag      4
//	 8  call     4
//	12  kind     1
//	13  length   3  of the payload, at most 256 KiB
//	16  size     6  of the whole vector
//	22  root     2
const headerSize = 24

// mostJSON is the most bytes of a payload that is JSON.
const mostJSON = 4 << 10

// putHeader writes a header; it never looks at the payload.
func putHeader(h *[headerSize]byte, attempt uint32, m Mark, length int) {
	binary.LittleEndian.PutUint32(h[0:], attempt)
	binary.LittleEndian.PutUint32(h[4:], m.Tag)
	binary.LittleEndian.PutUint32(h[8:], m.Call)
	binary.LittleEndian.PutUint32(h[12:], uint32(m.Kind)|uint32(length)<<8)
	binary.LittleEndian.PutUint64(h[16:], m.Size|uint64(m.Root)<<48)
}

// readHeader reads a header and checks everything that it says by itself: the
// attempt, that the kind exists, and that the length is one that this kind may have.
func readHeader(r io.Reader, h *[headerSize]byte, attempt uint32) (m Mark, length int, err error) {
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return m, 0, err
	}
	if a := binary.LittleEndian.Uint32(h[0:]); a != attempt {
		return m, 0, fmt.Errorf("a frame of attempt %d in attempt %d", a, attempt)
	}
	m.Tag = binary.LittleEndian.Uint32(h[4:])
	m.Call = binary.LittleEndian.Uint32(h[8:])
	word := binary.LittleEndian.Uint32(h[12:])
	m.Kind, length = Kind(word), int(word>>8)
	size := binary.LittleEndian.Uint64(h[16:])
	m.Size, m.Root = size&(1<<48-1), uint16(size>>48)
	most := chunk
	switch {
	case m.Kind == hello, m.Kind == end:
		most = mostJSON
	case m.Kind == beat:
		most = 0
	case m.Kind >= kinds:
		return m, 0, fmt.Errorf("a frame of unknown kind %d", m.Kind)
	case stream(m.Tag) >= Streams:
		return m, 0, fmt.Errorf("a frame of stream %d: there are %d", stream(m.Tag), Streams)
	}
	if length > most {
		return m, 0, fmt.Errorf("a frame of %d bytes, where at most %d are allowed", length, most)
	}
	return m, length, nil
}

// frame is a message, or a chunk of one, that waits for its reader.
type frame struct {
	mark Mark
	b    []byte // the payload, at the beginning of its memory
}

// small is the capacity of frames for short payloads.
const small = 2 << 10

// pool keeps frames for the next use: whatever repeats allocates nothing.
type pool struct {
	mu         sync.Mutex
	short, all []*frame
}

// get gives a frame with a payload of n ≤ chunk bytes.
func (p *pool) get(n int) (f *frame) {
	list, capacity := &p.all, chunk
	if n <= small {
		list, capacity = &p.short, small
	}
	p.mu.Lock()
	if last := len(*list) - 1; last >= 0 {
		f, *list = (*list)[last], (*list)[:last]
	}
	p.mu.Unlock()
	if f == nil {
		f = &frame{b: make([]byte, capacity)}
	}
	f.b = f.b[:n]
	return f
}

// put takes a frame back.
func (p *pool) put(f *frame) {
	p.mu.Lock()
	if cap(f.b) == small {
		p.short = append(p.short, f)
	} else {
		p.all = append(p.all, f)
	}
	p.mu.Unlock()
}
