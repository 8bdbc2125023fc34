package study

import (
	"slices"

	"budwood/learn/network"
	"budwood/search"
	"budwood/trials/segment"
)

// mostKept bounds the trials of a front whose weights are kept.
const mostKept = 200

// FrontRow is a trial that may be on the Pareto front when the study ends, so that its
// weights are kept: see [search.Front] for what is compared with what.
type FrontRow struct {
	Trial      int          `json:"trial"`
	State      search.State `json:"state"`
	Budget     int          `json:"budget"`
	Losses     []float64    `json:"losses"`
	Shared     bool         `json:"shared,omitempty"` // evaluated with shared weights
	Checkpoint string       `json:"checkpoint"`

	Params search.Params `json:"params,omitempty"` // of a plan, which is measured at the end
}

// compared reports whether a trial is, if the furthest was trained so far.
func (a *FrontRow) compared(furthest int) bool {
	return a.State == search.Completed || a.Budget >= furthest
}

// beats reports whether a dominates b and will, whatever comes: a has ended, and is on
// the front's terms wherever b is.
func (a *FrontRow) beats(b *FrontRow) bool {
	return a.State.Ended() && a.Shared == b.Shared && search.Dominates(a.Losses, b.Losses) &&
		(a.State == search.Completed || b.State != search.Completed && a.Budget >= b.Budget)
}

// addToFront takes a segment's result of a study with several objectives. The ended
// trials that can no longer be on the front are returned.
func (b *Leaderboard) addToFront(objectives []search.Objective, t search.Trial, r *segment.Result, shared bool) (fallen []int) {
	if len(objectives) < 2 {
		return nil
	}
	b.Front = slices.DeleteFunc(b.Front, func(row FrontRow) bool { return row.Trial == t.ID })
	rec := search.Record{Trial: t, State: r.State, Measurements: []search.Measurement{r.Final}}
	losses, ok := rec.Losses(objectives)
	if !ok || r.Checkpoint == "" {
		return nil
	}
	b.Front = append(b.Front, FrontRow{t.ID, r.State, r.Budget, losses, shared, r.Checkpoint, nil})
	return b.prune(t.ID)
}

// prune removes what can no longer be on the front: what another has beaten for good,
// and what was stopped before one that has ended. Ended trials are returned, except for
// the one that just reported.
func (b *Leaderboard) prune(reported int) (fallen []int) {
	for i := range b.Front {
		if row := &b.Front[i]; row.State.Ended() {
			b.Furthest = max(b.Furthest, row.Budget)
		}
	}
	var kept []FrontRow
	for _, row := range b.Front {
		if row.compared(b.Furthest) && !slices.ContainsFunc(b.Front, func(a FrontRow) bool { return a.beats(&row) }) {
			kept = append(kept, row)
		} else if row.State.Ended() && row.Trial != reported {
			fallen = append(fallen, row.Trial)
		}
	}
	slices.SortStableFunc(kept, func(x, y FrontRow) int { return slices.Compare(x.Losses, y.Losses) })
	for ; len(kept) > mostKept; kept = kept[:len(kept)-1] {
		if last := &kept[len(kept)-1]; last.State.Ended() && last.Trial != reported {
			fallen = append(fallen, last.Trial)
		}
	}
	b.Front = kept
	return fallen
}

// keeps lists the checkpoints that stay when the study ends: those of its so many best
// trials, and with several objectives those of its front.
func (b *Leaderboard) keeps(best int) []string {
	var out []string
	for _, r := range b.Rows[:min(len(b.Rows), best)] {
		if r.Checkpoint != "" {
			out = append(out, r.Checkpoint)
		}
	}
	for _, r := range b.front() {
		if !slices.Contains(out, r.Checkpoint) {
			out = append(out, r.Checkpoint)
		}
	}
	return out
}

// front is the front of a study that ends.
func (b *Leaderboard) front() []FrontRow {
	end := Leaderboard{Front: b.Front, Furthest: b.Furthest}
	end.prune(-1) // paused trials have ended since
	rows := end.Front
	if slices.ContainsFunc(rows, func(r FrontRow) bool { return !r.Shared }) {
		rows = slices.DeleteFunc(rows, func(r FrontRow) bool { return r.Shared })
	}
	return rows
}

// plan keeps what a plan does with its place on the front.
func (b *Leaderboard) plan(t search.Trial) {
	for i := range b.Front {
		if b.Front[i].Trial == t.ID {
			b.Front[i].Params = t.Params
		}
	}
}

// mostMeasured bounds the plans that are measured at the end.
const mostMeasured = 12

// Measured are the plans of the front, of which one has the checkpoints; nil if the study
// is no compression.
func (p *Progress) Measured() (list []network.Plan) {
	for _, r := range p.Leaderboard.front() {
		if r.Params != nil && len(list) < mostMeasured {
			list = append(list, network.Plan{Trial: r.Trial, Params: r.Params, Checkpoint: r.Checkpoint, Seed: search.Rand(p.Spec.Search.Seed, r.Trial).Uint64()})
		}
	}
	return list
}
