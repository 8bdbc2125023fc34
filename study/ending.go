package study

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"budwood/search"
	"budwood/trials/segment"
	"budwood/trials/store"
)

// Ending is why the study ends or will soon; "" if it does not.
func (p *Progress) Ending() string { return cmp.Or(p.Loop.Closing, p.Loop.Settling) }

// Finish ends the search, or all that is left of the study if the user does (ByUser):
// nothing new begins. With now the segments that run are to be stopped, too: then
// Stopping is set, and the driver sees to it. Budgets do not end the training that
// follows the search.
func (p *Progress) Finish(why string, now bool) search.Decision {
	if p.Loop.Finished || p.Loop.Final && !p.ByUser {
		return search.Decision{}
	}
	p.Stopping = p.Stopping || now
	if p.ByUser {
		return p.Loop.Abort(why)
	}
	return p.Loop.Finish(why)
}

// TimeSpent is the reason of a study that ends with its time.
func (s *Spec) TimeSpent() string {
	return fmt.Sprintf("the time budget of %s is spent", s.Budget.Time)
}

// energySpent is why the search is over if its energy is spent; "" if it is not.
func (p *Progress) energySpent() string {
	if limit := p.Spec.Budget.EnergyWh; limit > 0 && p.Spent.Joules/3600 >= limit {
		return fmt.Sprintf("the energy budget of %g Wh is spent", limit)
	}
	return ""
}

// overspent is why the search is over if its time or its energy is spent; "" if
// neither is.
func (p *Progress) overspent(now time.Time) string {
	if limit := time.Duration(p.Spec.Budget.Time); limit > 0 && now.Sub(p.Began) >= limit {
		return p.Spec.TimeSpent()
	}
	return p.energySpent()
}

// failedAtFirst is how many trials may fail while none has a value: then it is the
// program that is wrong, not the candidates.
const failedAtFirst = 10

// failing is why a study should begin no more trials after this result, for too many
// have failed; "" if it may.
func (s *Spec) failing(b *Leaderboard, t search.Trial, r *segment.Result) string {
	failed, limit := b.Counts[search.Failed], s.MaxFailed
	if limit == 0 && len(b.Rows) == 0 {
		limit = failedAtFirst
	}
	if r.State != search.Failed || limit == 0 || failed < limit {
		return ""
	}
	return fmt.Sprintf("%d trials failed, the last one %s: %s", failed, t.Name(), strings.TrimPrefix(DescribeReason(r.Reason), "trial "+t.Name()+": "))
}

// Result is how the study ended, of which all but the test is known.
func (p *Progress) Result() FinishInput {
	out := FinishInput{Study: p.Spec.Name, State: store.StudyCompleted, Reason: p.Ending(), Best: p.Leaderboard.best()}
	if p.ByUser {
		out.State = store.StudyStopped
	}
	return out
}

// Keep lists the checkpoints that stay when the study ends: those of its best trials
// and of its front, and those of what goes on if it does.
func (p *Progress) Keep() []string {
	return slices.Concat(p.Spec.keeps(), p.Leaderboard.keeps(p.Spec.best()), p.Leaderboard.unfinished(p.Spec.Name, p.Loop))
}

// Untested says in the reason why the best trial could not be tested.
func (in *FinishInput) Untested(why string) {
	in.Reason = JoinReasons(in.Reason, "the best trial could not be tested: "+why)
}

// Uncompressed says in the reason why the study that makes the best network smaller could
// not begin, or end.
func (in *FinishInput) Uncompressed(why string) {
	in.Reason = JoinReasons(in.Reason, notCompressed+why)
}

const notCompressed = "its best network could not be made smaller: "

// NotCompressed reports whether a study's reason says that its best network could not be
// made smaller.
func NotCompressed(reason string) bool { return strings.Contains(reason, notCompressed) }

// Unswept says in the reason why checkpoints could not be removed.
func (in *FinishInput) Unswept(why string) {
	in.Reason = JoinReasons(in.Reason, "checkpoints could not be removed: "+why)
}

// JoinReasons puts two reasons, of which each may be "", into one.
func JoinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
