package trials

import (
	"runtime"
	"time"

	"budwood/engine/crew"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// NewCores is the cores of this process, for [Runner.Cores].
func NewCores() *crew.Pool { return crew.New(runtime.GOMAXPROCS(0), energy.Elsewhere) }

// Borrow is for work beside all trials on a core of its own: what idle cores there are
// beside that one, until leave is called.
func (r *Runner) Borrow() (idle *crew.Team, leave func()) { return r.Cores.Team(nil), r.Cores.Enter(1) }

// noteHelp tells in the trial's record what idle cores did for a segment that took so
// long, if that is worth telling.
func (t *Trial) noteHelp(took time.Duration) {
	if h := t.team.Helped(); h > took/20 {
		t.notes = append(t.notes, segment.HelpedNote(h, took))
	}
}
