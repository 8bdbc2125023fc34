package study

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"budwood/search"
	"budwood/trials"
)

// mostAttempts is above the attempts of one run of a study at a segment: retries
// are at most 100.
const mostAttempts = 1000

// reserve keeps enough of a study's budgets of time and energy to train its best
// trial to the end.
type reserve struct {
	Joules   float64 // spent
	Elapsed  time.Duration
	Segments int     // done
	Seconds  float64 // of their training
	Epochs   int     // of their training
}

// concluding is why a study should begin no more trials: what is left of its time
// or energy is what training its best trial to the end is expected to take, or four
// fifths of the budget if that is less. "" if it may. A study that is concluding
// already, for the reason before, stays so until its best trial has ended, and goes on
// then if what is left is enough for a whole new one.
//
// The best trial's own cost an epoch counts, with a tenth above it, and beside it
// what is under way: the energy of the segments that run, and the time until the
// next one ends.
func (s *Spec) concluding(b *Leaderboard, r reserve, running map[int]search.Segment, before string) string {
	limit, joules := time.Duration(s.Budget.Time), s.Budget.EnergyWh*3600
	if limit == 0 && joules == 0 || s.Search.Scheduler == "none" || len(b.Rows) == 0 || b.Rows[0].Budget == 0 || r.Segments == 0 {
		return ""
	}
	best := &b.Rows[0]
	owed := float64(s.Budget.Epochs - best.Budget)
	switch ended := best.State.Ended() || owed <= 0; {
	case ended && before == "":
		return ""
	case ended:
		owed = float64(s.Budget.Epochs)
	case before != "":
		return before
	}
	const margin, most = 1.1, .8
	name := search.TrialName(best.Trial)
	if limit > 0 {
		need := margin*owed*best.Seconds/float64(best.Budget) + r.Seconds/float64(r.Segments)
		if left := (limit - r.Elapsed).Seconds(); left <= min(need, most*limit.Seconds()) {
			return cmp.Or(before, fmt.Sprintf("the rest of the time budget of %s is for training the best, %s, to the end", limit, name))
		}
	}
	if joules > 0 {
		need := margin * owed * best.Joules / float64(best.Budget)
		for _, t := range slices.Sorted(maps.Keys(running)) {
			if seg := running[t]; t != best.Trial {
				need += float64(seg.To-seg.From) * r.Joules / float64(max(r.Epochs, 1))
			}
		}
		if left := joules - r.Joules; left <= min(need, most*joules) {
			return cmp.Or(before, fmt.Sprintf("the rest of the energy budget of %g Wh is for training the best, %s, to the end", s.Budget.EnergyWh, name))
		}
	}
	return ""
}

// Conclude sees whether the study should begin no more trials; before is why it
// should not so far.
func (p *Progress) Conclude(before string, now time.Time) {
	if !p.Loop.Settles || p.Loop.Closing != "" || p.Loop.Final {
		return
	}
	spent := reserve{Joules: p.Spent.Joules, Elapsed: now.Sub(p.Began), Segments: p.Throughput.Segments, Seconds: p.Spent.Seconds, Epochs: p.Spent.Epochs}
	p.Loop.Settling = p.Spec.concluding(&p.Leaderboard, spent, p.Loop.Running, before)
}

// revive makes the trials that the end of a study had stopped paused ones again.
func (b *Leaderboard) revive(paused []int) {
	for _, t := range paused {
		if b.Counts[search.Stopped] > 0 {
			b.Counts[search.Stopped]--
		}
		for i := range b.Rows {
			if b.Rows[i].Trial == t {
				b.Rows[i].State = search.Paused
			}
		}
		for i := range b.Front {
			if b.Front[i].Trial == t {
				b.Front[i].State = search.Paused
			}
		}
	}
}

// order is the trials on the leaderboard, best first.
func (b *Leaderboard) order() []int {
	var out []int
	for _, r := range b.Rows {
		out = append(out, r.Trial)
	}
	return out
}

// unfinished lists the checkpoints of the best trials that go on if the study does;
// the others would train again from their first epoch.
func (b *Leaderboard) unfinished(study string, l *search.Loop) []string {
	var out []string
	for _, s := range l.Cut {
		out = append(out, trials.EndKey(study, s.Trial, s.From), trials.EndKey(study, s.Trial, s.To))
	}
	for _, r := range b.Rows {
		if _, paused := l.Paused[r.Trial]; paused && !l.Halted[r.Trial] && r.Checkpoint != "" {
			out = append(out, r.Checkpoint)
		}
	}
	return out
}
