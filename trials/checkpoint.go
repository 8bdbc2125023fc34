package trials

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"budwood/engine"
	"budwood/search"
)

// progress is what a segment has come to; it travels in the checkpoint, so that
// a segment that was interrupted goes on with nothing counted twice.
type progress struct {
	From    int                  `json:"from"`  // where the segment began
	Epoch   int                  `json:"epoch"` // epochs done since the trial's start
	Best    search.Measurement   `json:"best"`  // of the whole trial; Budget 0: none yet
	Curve   []search.Measurement `json:"curve"` // of this segment
	Early   engine.EarlyStop     `json:"early"`
	Energy  Energy               `json:"energy"`          // of this segment
	Before  float64              `json:"before"`          // joules of the segments before
	Seconds float64              `json:"seconds"`         // of this segment
	Done    *Result              `json:"done,omitempty"`  // of the segment that this checkpoint ends
	Since   int                  `json:"since,omitempty"` // where that one began
	Blank   bool                 `json:"blank,omitempty"` // nothing is kept but what failed attempts have spent

	Version Version  `json:"version,omitzero"`  // of what has trained it so far
	Kernels string   `json:"kernels,omitempty"` // instruction set of the engine that did
	Notes   []string `json:"notes,omitempty"`   // of this segment

	Params    search.Params `json:"params,omitempty"`    // of a trial that others may inherit from
	Inherited float64       `json:"inherited,omitempty"` // share of the tensors that came from its parent
	Bank      bool          `json:"bank,omitempty"`      // the keeper's bytes are those of a supernet
}

// checkpoint is a progress and the keeper's bytes.
type checkpoint struct {
	Progress progress
	data     []byte
}

func (c *checkpoint) payload() io.Reader { return bytes.NewReader(c.data) }

// model is the part of the keeper's bytes that is the trial's own network.
func (c *checkpoint) model() io.Reader {
	if c.Progress.Bank {
		own, _ := cutBank(c.data)
		return bytes.NewReader(own)
	}
	return c.payload()
}

// write puts the progress on the first line, as JSON, and the keeper's bytes
// behind it; without a keeper those that were read.
func (c *checkpoint) write(w io.Writer, k Keeper) error {
	if err := json.NewEncoder(w).Encode(c.Progress); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if k == nil {
		_, err := w.Write(c.data)
		return err
	}
	return k.Save(w)
}

func readCheckpoint(b []byte) (*checkpoint, error) {
	line, data, ok := bytes.Cut(b, []byte{'\n'})
	if !ok {
		return nil, fmt.Errorf("checkpoint: no header in %d bytes", len(b))
	}
	c := &checkpoint{data: data}
	if err := json.Unmarshal(line, &c.Progress); err != nil {
		return nil, fmt.Errorf("checkpoint: header: %w", err)
	}
	return c, nil
}
