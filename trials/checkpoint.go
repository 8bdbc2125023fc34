package trials

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"budwood/engine"
	"budwood/search"
	"budwood/trials/blob"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// progress is what a segment has come to; it travels in the checkpoint, so that
// a segment that was interrupted goes on with nothing counted twice.
type progress struct {
	From    int                  `json:"from"`  // where the segment began
	Epoch   int                  `json:"epoch"` // epochs done since the trial's start
	Best    search.Measurement   `json:"best"`  // best measurement of the whole trial; Budget 0: none yet
	Curve   []search.Measurement `json:"curve"` // of this segment
	Early   engine.EarlyStop     `json:"early"`
	Energy  energy.Energy        `json:"energy"`          // of this segment
	Before  float64              `json:"before"`          // joules of the segments before
	Seconds float64              `json:"seconds"`         // of this segment
	Done    *segment.Result      `json:"done,omitempty"`  // result of the segment that this checkpoint ends
	Since   int                  `json:"since,omitempty"` // where that one began
	Blank   bool                 `json:"blank,omitempty"` // nothing is kept but what failed attempts have spent

	Version segment.Version `json:"version,omitzero"`  // of what has trained it so far
	Kernels string          `json:"kernels,omitempty"` // instruction set of the engine that did
	Mesh    chosenMesh      `json:"mesh,omitzero"`     // that was chosen for it
	Notes   []string        `json:"notes,omitempty"`   // of this segment

	Params search.Params `json:"params,omitempty"` // of a trial that others may inherit from
	Facts
}

// Facts are what a checkpoint says of the keeper's bytes: see [Trial.Remember].
type Facts struct {
	Inherited float64 `json:"inherited,omitempty"` // share of the weights that came from another trial
	Shared    bool    `json:"bank,omitempty"`      // behind the trial's own model are weights that other trials share
}

// reopen is the progress in the middle of a segment again, which was stopped there.
func (p *progress) reopen() {
	d := p.Done
	p.From, p.Curve, p.Energy, p.Seconds, p.Before = p.Since, d.Curve, d.Energy, d.Seconds, p.Before-d.Energy.Joules
	p.Done, p.Since = nil, 0
}

// Checkpoint is what was saved of a trial: how far it was, and the bytes of its
// [Keeper]. These are read once, as they are needed: those of a large network are not
// held in memory beside it.
type Checkpoint struct {
	progress progress
	data     *payload // nil: there are none
}

// OpenCheckpoint opens a checkpoint by the key that a result names. It is to be
// closed.
func OpenCheckpoint(ctx context.Context, blobs blob.Store, key string) (*Checkpoint, error) {
	f, err := blobs.Get(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("checkpoint %s is gone", key)
	}
	if err != nil {
		return nil, err
	}
	c, _, err := readCheckpoint(f)
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %s: %w", key, err)
	}
	return c, nil
}

// Epoch is how far the trial was trained.
func (c *Checkpoint) Epoch() int { return c.progress.Epoch }

// Params are the trial's, nil if other trials may not inherit from it.
func (c *Checkpoint) Params() search.Params { return c.progress.Params }

// Facts are what the training function had remembered.
func (c *Checkpoint) Facts() Facts { return c.progress.Facts }

// Model is what the keeper saved. It has a method Len, which is the number of bytes
// that are left.
func (c *Checkpoint) Model() io.Reader { return c.payload() }

// Trouble is the error, if any, that kept the model from being read to its end. It
// tells trouble on the way to the bytes, which may be over the next time, from bytes
// that are damaged.
func (c *Checkpoint) Trouble() error { return c.payload().err }

// payload is the keeper's bytes.
func (c *Checkpoint) payload() *payload {
	if c.data == nil {
		return &payload{Reader: strings.NewReader("")}
	}
	return c.data
}

// Close lets go of what was not read. A nil checkpoint has nothing to let go.
func (c *Checkpoint) Close() {
	if c != nil && c.data != nil && c.data.closer != nil {
		_ = c.data.closer.Close()
	}
}

// write puts the progress on the first line, as JSON, and the keeper's bytes
// behind it; without a keeper those that were read.
func (c *Checkpoint) write(w io.Writer, k Keeper) error {
	if err := json.NewEncoder(w).Encode(c.progress); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if k == nil {
		_, err := io.Copy(w, c.payload())
		return err
	}
	return k.Save(w)
}

// readCheckpoint reads the progress of a checkpoint from a blob, which it closes
// unless it returns a checkpoint: that is to be closed. damaged tells an error of
// the bytes from trouble on the way to them.
func readCheckpoint(blob io.ReadCloser) (c *Checkpoint, damaged bool, err error) {
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
	c = &Checkpoint{data: &payload{Reader: in, left: max(size-int64(len(line)), 0), unknown: size < 0, closer: blob}}
	if err := json.Unmarshal(line, &c.progress); err != nil {
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
