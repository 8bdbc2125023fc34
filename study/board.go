package study

import (
	"slices"

	"budwood/search"
	"budwood/trials/segment"
)

// boardSize bounds what a study workflow remembers of its trials.
const boardSize = 10

// Leaderboard is the leaderboard: the best trials by the main objective.
type Leaderboard struct {
	Rows   []Row                `json:"rows"` // best first
	Counts map[search.State]int `json:"counts"`
	Front  []FrontRow           `json:"front,omitempty"` // with several objectives: those that may be on it

	Furthest int `json:"furthest,omitempty"` // with several objectives: as far as any was trained that has ended
}

// Row is a trial on the leaderboard.
type Row struct {
	Trial      int           `json:"trial"`
	Params     search.Params `json:"params"`
	State      search.State  `json:"state"`
	Value      float64       `json:"value"`
	Budget     int           `json:"budget"`
	Joules     float64       `json:"joules"`
	Seconds    float64       `json:"seconds,omitempty"` // of training
	Checkpoint string        `json:"checkpoint,omitempty"`
}

// add takes a segment's result. Trials are compared at the best of what they
// reached, whatever the budget: that is the model one would use. The trials
// that fell off the board, and had ended, are returned.
func (b *Leaderboard) add(o search.Objective, t search.Trial, r *segment.Result) (fallen []int) {
	if b.Counts == nil {
		b.Counts = map[search.State]int{}
	}
	if r.State.Ended() {
		b.Counts[r.State]++
	}
	joules, seconds := r.Energy.Joules, r.Seconds
	if i := slices.IndexFunc(b.Rows, func(row Row) bool { return row.Trial == t.ID }); i >= 0 {
		joules, seconds = joules+b.Rows[i].Joules, seconds+b.Rows[i].Seconds
		b.Rows = slices.Delete(b.Rows, i, i+1)
	}
	v, ok := r.Final.Metrics[o.Metric]
	if !ok || !r.State.Usable() {
		return nil
	}
	row := Row{t.ID, t.Params, r.State, v, r.Budget, joules, seconds, r.Checkpoint}
	at, _ := slices.BinarySearchFunc(b.Rows, row, func(a, e Row) int {
		switch {
		case o.Goal.Better(a.Value, e.Value), a.Value == e.Value && a.Trial < e.Trial:
			return -1
		}
		return 1
	})
	b.Rows = slices.Insert(b.Rows, at, row)
	for len(b.Rows) > boardSize {
		last := b.Rows[boardSize]
		if last.Trial != t.ID && last.State.Ended() {
			fallen = append(fallen, last.Trial)
		}
		b.Rows = b.Rows[:boardSize]
	}
	return fallen
}

// best is the number of the best trial, -1 if none has a value.
func (b *Leaderboard) best() int {
	if len(b.Rows) == 0 {
		return -1
	}
	return b.Rows[0].Trial
}

// Has reports whether a trial is on the leaderboard or may be on the front.
func (b *Leaderboard) Has(trial int) bool {
	return slices.ContainsFunc(b.Rows, func(r Row) bool { return r.Trial == trial }) ||
		slices.ContainsFunc(b.Front, func(r FrontRow) bool { return r.Trial == trial })
}

// end takes final states of paused trials.
func (b *Leaderboard) end(ended []search.Ending) {
	if b.Counts == nil {
		b.Counts = map[search.State]int{}
	}
	for _, e := range ended {
		b.Counts[e.State]++
		for i := range b.Rows {
			if b.Rows[i].Trial == e.Trial {
				b.Rows[i].State = e.State
			}
		}
		for i := range b.Front {
			if b.Front[i].Trial == e.Trial {
				b.Front[i].State = e.State
			}
		}
	}
}

// Top is the best trial, nil if none has a value.
func (b *Leaderboard) Top() *Row {
	if len(b.Rows) == 0 {
		return nil
	}
	return &b.Rows[0]
}

// setAside takes over who is the best without the trials that are set aside now.
func (b *Leaderboard) setAside(now *AsideResult) {
	for i := range now.Top {
		row := &now.Top[i]
		if k := slices.IndexFunc(b.Rows, func(r Row) bool { return r.Trial == row.Trial }); k >= 0 {
			row.Checkpoint = b.Rows[k].Checkpoint
		}
	}
	b.Rows = now.Top
	b.Front = slices.DeleteFunc(b.Front, func(r FrontRow) bool { return slices.Contains(now.Trials, r.Trial) })
}
