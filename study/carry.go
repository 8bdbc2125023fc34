package study

import (
	"encoding/json"
	"time"

	"budwood/search"
	"budwood/trials/store"
)

// Carry is a study's state between two runs of its workflow: continue as new,
// or the same study submitted again with a larger budget.
type Carry struct {
	Loop      search.Loop      `json:"loop"`
	Scheduler json.RawMessage  `json:"scheduler"`
	Board     Board            `json:"board"`
	Spent     Spent            `json:"spent"`
	Pace      Pace             `json:"pace,omitzero"`
	ByUser    bool             `json:"by_user,omitempty"`
	Elapsed   time.Duration    `json:"elapsed"` // while it ran
	Given     []Candidate      `json:"given,omitempty"`
	Held      []search.Segment `json:"held,omitempty"` // decided while the study was paused
}

// new tells whether a study begins with it from its first trial: there is no carry,
// or it is that of a local study, which decides again what it had decided.
func (c *Carry) FromStart() bool {
	return c == nil || len(c.Scheduler) == 0 || string(c.Scheduler) == "null"
}

// Spent is what a study has used so far.
type Spent struct {
	Joules  float64 `json:"joules"`
	Epochs  int     `json:"epochs"`
	Seconds float64 `json:"seconds"` // of training
}

// StudyResult is how a study ended.
type StudyResult struct {
	State store.StudyState `json:"state"`
	Best  int              `json:"best"` // trial, -1: none
	Test  search.Metrics   `json:"test,omitempty"`
}

// Pace is how long a study's training takes, as far as its workflow has seen it
// in results. It decides how trials are run where the study does not say it
// (search.batch): a workflow of its own costs a trial some 60 ms of the server's
// time, which shows it in the Temporal UI, an activity of the study's workflow
// some 5 ms. Those of a brief study run within it, and as many together as take
// a moment. As it follows from what is in the history, a replay decides the same.
type Pace struct {
	Segments int     `json:"segments"` // seen
	Epoch    float64 `json:"epoch"`    // seconds, a mean that forgets
}

// saw takes the time of a segment.
func (p *Pace) Add(epochs int, seconds float64) {
	if epochs <= 0 { // it says nothing of training
		return
	}
	p.Segments++
	p.Epoch += (seconds/float64(epochs) - p.Epoch) / float64(min(p.Segments, 32))
}
