package search

// Scheduler spends the budget: it starts trials, promotes them to larger
// budgets and stops them. It is a plain struct: Step takes an event and returns
// what to do, within microseconds, without I/O, clock or randomness. Its JSON
// is its whole state: saved and loaded between any two events, it goes on with
// the same actions.
type Scheduler interface {
	Step(Event) []Action
}

// Event is what a scheduler hears: [Free], [Reported], [Ended], [Settle], [Aside]
// or [Closed].
type Event interface{ event() }

// Free says that the study can run Slots more segments now, and that at most
// New of them may be trials not tried before. The scheduler answers with at
// most Slots actions [Start] and [Resume]; none means that it has nothing to
// run until something is reported (or, if nothing runs, that it is done).
type Free struct{ Slots, New int }

// Reported says that a trial reached the end of its segment and is paused at a
// budget. Values are the objectives at that budget, finite, in the study's
// order. The scheduler answers with [Stop], with [Resume], with actions for
// other trials, or with nothing: then the trial stays paused.
type Reported struct {
	Trial, Budget int
	Values        []float64
}

// Ended says that a trial will not go on, whatever the scheduler thinks of it:
// it completed by itself at Budget with Values, or it ended without a usable
// value (diverged, infeasible, failed; Values is nil).
type Ended struct {
	Trial, Budget int
	State         State
	Values        []float64
}

// Settle says that no new trial will begin, for a budget is spent, while what is
// left of it may still train the best one to the end. The scheduler answers with
// at most one [Resume]: of the best paused trial, unless one that was trained to
// its end, or one that is running, is at least as good. It is asked again after
// that one has reported; no answer means that all is settled.
type Settle struct {
	Running []int // the trials that are being trained
}

// Aside says which trials do not count: all that are set aside now, by number.
// They are nobody's peers. Those that were set aside before and are not named any
// more count again, as they did.
type Aside struct{ Trials []int }

// Closed says that no slot will be free any more: the budget is spent or the
// user stopped the study. The scheduler answers with [Stop] for every paused
// trial, so that each has its reason. They stay paused in its own state: a study
// that is submitted again with a larger budget goes on as if the budget had been
// larger from the beginning, and Free may follow.
type Closed struct{}

func (Free) event()     {}
func (Reported) event() {}
func (Ended) event()    {}
func (Settle) event()   {}
func (Aside) event()    {}
func (Closed) event()   {}

// Action is what a scheduler wants done: [Start], [Resume] or [Stop].
type Action interface{ action() }

// Start asks for a new trial, trained up to a budget. Trials are numbered
// 0, 1, 2, … in the order of their Starts.
type Start struct {
	Trial, Budget int
	Bracket       int // of Hyperband; 0 elsewhere
}

// Resume asks to train a paused trial from its budget up to a larger one.
type Resume struct {
	Trial, Budget int
	Reason        string // in words: "rung 9: 0.931 is 1st of 9"
}

// Stop ends a paused trial, with the reason in words:
// "rung 9: 0.712 < cut 0.748 of 9 peers". Completed tells that it was trained
// to the full budget.
type Stop struct {
	Trial     int
	Completed bool
	Reason    string
}

func (Start) action()  {}
func (Resume) action() {}
func (Stop) action()   {}
