package mesh

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrLost says that a rank is gone: its connection broke or it fell silent.
type ErrLost struct {
	Rank    int    `json:"rank"`
	Machine string `json:"machine,omitempty"`
	Reason  string `json:"reason"`
}

// Error names the rank, its machine and how it was noticed.
func (e ErrLost) Error() string {
	return fmt.Sprintf("mesh: rank %d%s is lost: %s", e.Rank, on(e.Machine), e.Reason)
}

// ErrDisagree says that two ranks are at different calls where they should meet.
type ErrDisagree struct {
	Ranks [2]int  `json:"ranks"`
	Calls [2]Mark `json:"calls"`
}

// Error names both ranks and both calls.
func (e ErrDisagree) Error() string {
	return fmt.Sprintf("mesh: ranks disagree about the next call: rank %d is at %v, rank %d at %v", e.Ranks[0], e.Calls[0], e.Ranks[1], e.Calls[1])
}

// ErrEnded says that a rank closed its link, with its reason.
type ErrEnded struct {
	Rank    int    `json:"rank"`
	Machine string `json:"machine,omitempty"`
	Reason  string `json:"reason,omitempty"` // empty if it had had enough
}

// Error names the rank and gives its reason.
func (e ErrEnded) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "it needs nothing more"
	}
	return fmt.Sprintf("mesh: rank %d%s closed its link: %s", e.Rank, on(e.Machine), reason)
}

func on(machine string) string {
	if machine == "" {
		return ""
	}
	return " on " + machine
}

// farewell is what the last frame of a rank says.
type farewell struct {
	Lost     *ErrLost     `json:"lost,omitempty"`
	Disagree *ErrDisagree `json:"disagree,omitempty"`
	Ended    *ErrEnded    `json:"ended,omitempty"`
}

// encodeCause is the payload of a last frame, at most mostJSON bytes; nil for nil.
func encodeCause(cause error, from ErrEnded) []byte {
	if cause == nil {
		return nil
	}
	var f farewell
	var lost ErrLost
	var disagree ErrDisagree
	switch {
	case errors.As(cause, &lost):
		f.Lost = &lost
	case errors.As(cause, &disagree):
		f.Disagree = &disagree
	case errors.As(cause, &from):
		f.Ended = &from
	default:
		from.Reason = cause.Error()
		if len(from.Reason) > mostJSON/8 { // JSON may need six bytes for one
			from.Reason = from.Reason[:mostJSON/8]
		}
		f.Ended = &from
	}
	b, err := json.Marshal(f)
	if err != nil || len(b) > mostJSON {
		return []byte("{}")
	}
	return b
}

// decodeCause reads the payload of the last frame of a rank; nil if it ended well.
func decodeCause(b []byte, from ErrEnded) error {
	if len(b) == 0 {
		return nil
	}
	var f farewell
	err := json.Unmarshal(b, &f)
	switch {
	case err != nil:
	case f.Lost != nil:
		return *f.Lost
	case f.Disagree != nil:
		return *f.Disagree
	case f.Ended != nil:
		return *f.Ended
	}
	from.Reason = "with a cause that cannot be read"
	return from
}
