package study

import (
	"encoding/json"
	"time"

	"budwood/search"
	"budwood/trials/energy"
)

// State is a study's state between two runs of it: continue as new, or the same study
// submitted again with a larger budget. Its names in JSON are those of stored studies
// and of histories.
type State struct {
	Loop        search.Loop      `json:"loop"`
	Scheduler   json.RawMessage  `json:"scheduler"`
	Leaderboard Leaderboard      `json:"board"`
	Spent       Spent            `json:"spent"`
	Throughput  Throughput       `json:"pace,omitzero"`
	ByUser      bool             `json:"by_user,omitempty"`
	Elapsed     time.Duration    `json:"elapsed"` // while it ran
	Given       []Candidate      `json:"given,omitempty"`
	Waiting     []search.Segment `json:"held,omitempty"` // decided while the study was paused
	Rules       int              `json:"rules,omitempty"`
	Beside      map[int]Beside   `json:"beside,omitempty"` // trials that gangs train
}

// Beside is what the ranks above 0 of a trial's gangs have taken, which the
// trial's own checkpoint does not know.
type Beside struct {
	To      int           `json:"to"`      // end of the last segment, in epochs
	Segment energy.Energy `json:"segment"` // of that segment so far
	Before  float64       `json:"before"`  // joules of the segments before
}

// FromStart reports whether a study begins with it from its first trial: there is no
// state, or it is that of a local study of an older version, which kept its time alone
// and decides again what it had decided.
func (s *State) FromStart() bool {
	return s == nil || len(s.Scheduler) == 0 || string(s.Scheduler) == "null"
}

// Spent is what a study has used so far.
type Spent struct {
	Joules  float64 `json:"joules"`
	Epochs  int     `json:"epochs"`
	Seconds float64 `json:"seconds"` // of training
}

// Throughput is how long a study's training takes, as far as the study has seen it in
// results.
type Throughput struct {
	Segments int     `json:"segments"` // seen
	Epoch    float64 `json:"epoch"`    // seconds, a mean that forgets
}

// Add takes the time of a segment.
func (t *Throughput) Add(epochs int, seconds float64) {
	if epochs <= 0 { // it says nothing of training
		return
	}
	t.Segments++
	t.Epoch += (seconds/float64(epochs) - t.Epoch) / float64(min(t.Segments, 32))
}
