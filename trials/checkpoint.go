package trials

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"budwood/engine"
	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// progress is what a segment has come to; it travels in the checkpoint, so that
// a segment that was interrupted goes on with nothing counted twice.
type progress struct {
	From    int                  `json:"from"`  // where the segment began
	Epoch   int                  `json:"epoch"` // epochs done since the trial's start
	Best    search.Measurement   `json:"best"`  // of the whole trial; Budget 0: none yet
	Curve   []search.Measurement `json:"curve"` // of this segment
	Early   engine.EarlyStop     `json:"early"`
	Energy  energy.Energy        `json:"energy"`          // of this segment
	Before  float64              `json:"before"`          // joules of the segments before
	Seconds float64              `json:"seconds"`         // of this segment
	Done    *segment.Result      `json:"done,omitempty"`  // of the segment that this checkpoint ends
	Since   int                  `json:"since,omitempty"` // where that one began
	Blank   bool                 `json:"blank,omitempty"` // nothing is kept but what failed attempts have spent

	Version segment.Version `json:"version,omitzero"`  // of what has trained it so far
	Kernels string          `json:"kernels,omitempty"` // instruction set of the engine that did
	Notes   []string        `json:"notes,omitempty"`   // of this segment

	Params    search.Params `json:"params,omitempty"`    // of a trial that others may inherit from
	Inherited float64       `json:"inherited,omitempty"` // share of the tensors that came from its parent
	Bank      bool          `json:"bank,omitempty"`      // the keeper's bytes are those of a supernet
}

// reopen is the progress in the middle of a segment again, which was stopped there.
func (p *progress) reopen() {
	d := p.Done
	p.From, p.Curve, p.Energy, p.Seconds, p.Before = p.Since, d.Curve, d.Energy, d.Seconds, p.Before-d.Energy.Joules
	p.Done, p.Since = nil, 0
}

// checkpoint is a progress and the keeper's bytes, which are read once, as they
// are needed: those of a large network are not held in memory beside it.
type checkpoint struct {
	Progress progress
	data     *payload // nil: there are none
}

// payload is the keeper's bytes.
func (c *checkpoint) payload() *payload {
	if c.data == nil {
		return &payload{Reader: strings.NewReader("")}
	}
	return c.data
}

// model is the part of the keeper's bytes that is the trial's own network.
func (c *checkpoint) model() (io.Reader, error) {
	if !c.Progress.Bank {
		return c.payload(), nil
	}
	return c.payload().part()
}

// close lets go of what was not read.
func (c *checkpoint) close() {
	if c != nil && c.data != nil && c.data.closer != nil {
		_ = c.data.closer.Close()
	}
}

// write puts the progress on the first line, as JSON, and the keeper's bytes
// behind it; without a keeper those that were read.
func (c *checkpoint) write(w io.Writer, k Keeper) error {
	if err := json.NewEncoder(w).Encode(c.Progress); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if k == nil {
		_, err := io.Copy(w, c.payload())
		return err
	}
	return k.Save(w)
}

// openCheckpoint reads the progress of a checkpoint from a blob, which it closes
// unless it returns a checkpoint: that is to be closed. damaged tells an error of
// the bytes from trouble on the way to them.
func openCheckpoint(blob io.ReadCloser) (c *checkpoint, damaged bool, err error) {
	defer func() {
		if c == nil {
			blob.Close()
		}
	}()
	size := int64(-1)
	if f, ok := blob.(*os.File); ok {
		st, err := f.Stat()
		if err != nil {
			return nil, false, err
		}
		size = st.Size()
	}
	in := bufio.NewReader(blob)
	line, err := in.ReadBytes('\n')
	if err == io.EOF {
		return nil, true, fmt.Errorf("checkpoint: no header in %d bytes", len(line))
	}
	if err != nil {
		return nil, false, err
	}
	c = &checkpoint{data: &payload{Reader: in, left: max(size-int64(len(line)), 0), unknown: size < 0, closer: blob}}
	if err := json.Unmarshal(line, &c.Progress); err != nil {
		c = nil
		return nil, true, fmt.Errorf("checkpoint: header: %w", err)
	}
	return c, false, nil
}

// payload is the rest of a blob. It knows how much it is: that of a file from the
// beginning, any other by having all of it once it is asked for.
type payload struct {
	io.Reader
	left    int64
	unknown bool
	closer  io.Closer
	err     error // trouble with reading, as opposed to an end
}

// Len is the number of bytes that are left.
func (p *payload) Len() int {
	p.fetch()
	return int(p.left)
}

// Read reads on.
func (p *payload) Read(b []byte) (int, error) {
	p.fetch()
	n, err := p.Reader.Read(b)
	p.left -= int64(n)
	if err != nil && err != io.EOF {
		p.err = err
	}
	return n, err
}

func (p *payload) fetch() {
	if !p.unknown {
		return
	}
	b, err := io.ReadAll(p.Reader)
	p.Reader, p.left, p.unknown, p.err = bytes.NewReader(b), int64(len(b)), false, err
}

// part is what a writer of [writeBehindLength] wrote here, and no more.
func (p *payload) part() (*payload, error) { return partOf(p) }

// partOf reads a length (8 bytes, little-endian) and returns as many bytes that
// follow.
func partOf(r io.Reader) (*payload, error) {
	var n int64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	if l, ok := r.(interface{ Len() int }); n < 0 || ok && n > int64(l.Len()) {
		return nil, fmt.Errorf("it is cut off: %w", io.ErrUnexpectedEOF)
	}
	return &payload{Reader: io.LimitReader(r, n), left: n}, nil
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
