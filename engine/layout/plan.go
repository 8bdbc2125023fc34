package layout

import (
	"fmt"
	"slices"
	"strings"
)

// Plan is how a step is cut.
type Plan struct {
	Data         int       `json:"data"`          // a batch is cut into so many shards
	Tensor       int       `json:"tensor"`        // layers are cut into so many columns
	Pipeline     int       `json:"pipeline"`      // the network is cut into so many stages
	Chunks       int       `json:"chunks"`        // pieces of the network that a stage has
	Zero         int       `json:"zero"`          // what the ranks of a data group share: 0 to 3
	MicroBatches int       `json:"micro_batches"` // a shard is cut into so many
	Recompute    Recompute `json:"recompute"`
	Threads      int       `json:"threads"` // lanes of the data axis that a rank computes
}

// Recompute is what a backward pass computes again.
type Recompute string

// The choices of recompute.
const (
	RecomputeNone   Recompute = "none"
	RecomputeBlocks Recompute = "blocks" // each layer, from its input
	RecomputeAll    Recompute = "all"    // the stage, from its input
)

var recomputes = []Recompute{RecomputeNone, RecomputeBlocks, RecomputeAll}

// Cuts are a plan with parts left open: what is 0, "" or nil is searched.
type Cuts struct {
	Data         int       `json:"data,omitempty"`
	Tensor       int       `json:"tensor,omitempty"`
	Pipeline     int       `json:"pipeline,omitempty"`
	Chunks       int       `json:"chunks,omitempty"`
	Zero         *int      `json:"zero,omitempty"`
	MicroBatches int       `json:"micro_batches,omitempty"`
	Recompute    Recompute `json:"recompute,omitempty"`
	Threads      int       `json:"threads,omitempty"`
}

// Validate returns an error that names the first field that is not a number of pieces.
func (c Cuts) Validate() error {
	for _, f := range []struct {
		name string
		n    int
	}{{"data", c.Data}, {"tensor", c.Tensor}, {"pipeline", c.Pipeline}, {"chunks", c.Chunks}, {"micro_batches", c.MicroBatches}, {"threads", c.Threads}} {
		if f.n < 0 || f.n > mostDevices {
			return &FieldError{f.name, fmt.Errorf("%d: use a whole number from 1 to %d", f.n, mostDevices)}
		}
	}
	if c.Zero != nil && (*c.Zero < 0 || *c.Zero > 3) {
		return &FieldError{"zero", fmt.Errorf("%d: there are 0, 1, 2 and 3", *c.Zero)}
	}
	if c.Recompute != "" && !slices.Contains(recomputes, c.Recompute) {
		return &FieldError{"recompute", fmt.Errorf("%q: there are none, blocks and all", c.Recompute)}
	}
	return nil
}

// zeros are the stages of zero that are tried where n ranks could share.
func (c Cuts) zeros(n int) []int {
	switch {
	case c.Zero != nil:
		return []int{*c.Zero}
	case n == 1:
		return []int{0}
	}
	return []int{0, 1, 2, 3}
}

// Lanes is the number of devices of a plan.
func (p Plan) Lanes() int { return p.Data * p.Tensor * p.Pipeline }

// Ranks is the number of processes of a plan.
func (p Plan) Ranks() int { return p.Lanes() / max(p.Threads, 1) }

// String is the plan in one line, such as "data 8 × tensor 4 × pipeline 2".
func (p Plan) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "data %d × tensor %d × pipeline %d", p.Data, p.Tensor, p.Pipeline)
	if p.Chunks > 1 {
		fmt.Fprintf(&b, " of %d chunks", p.Chunks)
	}
	fmt.Fprintf(&b, ", zero %d, micro-batches %d, recompute %s", p.Zero, p.MicroBatches, p.Recompute)
	return b.String()
}
