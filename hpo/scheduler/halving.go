package scheduler

import (
	"math"

	"budwood/search"
)

// SuccessiveHalving compares whole rounds of trials (Jamieson & Talwalkar
// 2016): when all of a round have reached a rung, the best 1/η of them, at
// least one, go on to the next rung of η times the budget, and the others are
// stopped. Slots that would wait for a straggler begin the next round.
type SuccessiveHalving struct {
	Min  int           `json:"min"`  // r, the least budget of a rung; 0 means 1
	Max  int           `json:"max"`  // R, the full budget; 0 means Min
	Eta  int           `json:"eta"`  // η; below 2 means 3
	Size int           `json:"size"` // n, trials of a round; 0 means as many as leave one for the full budget
	Goal search.Goal   `json:"goal"`
	Also []search.Goal `json:"also,omitempty"` // of further objectives, as in ASHA

	Next   int     `json:"next"`             // state: number of the next trial
	Rounds []Round `json:"rounds,omitempty"` // state
}

// Round is the state of one round: the trials First to First+Begun−1.
type Round struct {
	First int    `json:"first"`
	Begun int    `json:"begun"`
	Full  bool   `json:"full,omitempty"` // no more will begin
	Rungs []Rung `json:"rungs"`
	Due   []int  `json:"due"` // a rung each: how many trials are still on their way to it
	Level int    `json:"level"`
}

var _ search.Scheduler = (*SuccessiveHalving)(nil)

// Brackets is the one ladder there is.
func (s SuccessiveHalving) Brackets() []Bracket {
	return []Bracket{{budgets(s.Min, s.Max, s.eta()), 1}}
}

// Step answers a free slot with a promotion in the oldest round, else with a
// new trial.
func (s *SuccessiveHalving) Step(e search.Event) []search.Action {
	var out []search.Action
	switch e := e.(type) {
	case search.Free:
		if e.New == 0 { // the last round stays as small as it is
			out = s.fill(len(s.Rounds) - 1)
		}
		resumed := s.resume(e.Slots)
		out = append(out, resumed...)
		for range min(e.Slots-len(resumed), e.New) {
			out = append(out, s.start())
		}
	case search.Reported:
		n := s.round(e.Trial)
		r := &s.Rounds[n]
		k := level(r.Rungs, e.Budget)
		r.Due[k]--
		last := k == len(r.Rungs)-1
		switch {
		case !usable(e.Values):
			r.Rungs[k].Diverged++
			out = append(out, unusable(e.Trial, e.Budget))
		case last:
			out = append(out, trained(e.Trial, e.Budget))
			fallthrough
		default:
			r.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Waiting: !last, Done: last}, s.Goal, s.Also...)
		}
		out = append(out, s.cut(r)...)
	case search.Ended:
		r := &s.Rounds[s.round(e.Trial)]
		k := r.Level                                        // the rung that it was on its way to
		for k < len(r.Rungs)-1 && r.Rungs[k].has(e.Trial) { // ahead of its round
			k++
		}
		r.Due[k]--
		if e.State == search.Diverged {
			r.Rungs[k].Diverged++
		}
		if usable(e.Values) {
			r.Rungs[k].add(Peer{Trial: e.Trial, Values: e.Values, Done: e.State == search.Completed}, s.Goal, s.Also...)
		}
		out = s.cut(r)
	case search.Settle:
		out = s.settle(e)
	case search.Aside:
		for n := range s.Rounds {
			out = append(out, s.setAside(&s.Rounds[n], e.Trials)...)
		}
	case search.Closed:
		for n := range s.Rounds {
			out = append(out, stopWaiting(s.Rounds[n].Rungs, func(r *Rung, i int) string {
				return r.rank(i) + ", but the study ended"
			})...)
		}
	}
	return out
}

// settle lets the best trial go on without its round.
func (s *SuccessiveHalving) settle(e search.Settle) []search.Action {
	ladders := make([][]Rung, len(s.Rounds))
	for n := range s.Rounds {
		ladders[n] = s.Rounds[n].Rungs
	}
	due := map[int]bool{} // those that wait for a slot are counted in the next rung
	for _, rungs := range ladders {
		for k := range rungs {
			for _, p := range rungs[k].Peers {
				if p.Waiting && p.Risen {
					due[p.Trial] = true
				}
			}
		}
	}
	out := settle(e, s.Goal, ladders...)
	for _, a := range out {
		if a := a.(search.Resume); !due[a.Trial] {
			r := &s.Rounds[s.round(a.Trial)]
			r.Due[level(r.Rungs, a.Budget)]++
		}
	}
	return out
}

func (s *SuccessiveHalving) eta() int { return orDefault(s.Eta, 2, 3) }

// size is the number of trials in a round.
func (s *SuccessiveHalving) size() int {
	rungs := len(budgets(s.Min, s.Max, s.eta()))
	return orDefault(s.Size, 1, int(math.Pow(float64(s.eta()), float64(rungs-1))))
}

// start begins a trial, in a new round if the last one is full.
func (s *SuccessiveHalving) start() search.Action {
	if n := len(s.Rounds); n == 0 || s.Rounds[n-1].Full {
		rungs := newRungs(budgets(s.Min, s.Max, s.eta()))
		s.Rounds = append(s.Rounds, Round{First: s.Next, Rungs: rungs, Due: make([]int, len(rungs))})
	}
	r := &s.Rounds[len(s.Rounds)-1]
	a := search.Start{Trial: s.Next, Budget: r.Rungs[0].Budget}
	s.Next++
	r.Begun++
	r.Due[0]++
	r.Full = r.Begun == s.size()
	return a
}

// round is the number of a trial's round.
func (s *SuccessiveHalving) round(trial int) int {
	n := len(s.Rounds) - 1
	for n > 0 && s.Rounds[n].First > trial {
		n--
	}
	return n
}

// fill declares a round full as it is.
func (s *SuccessiveHalving) fill(n int) []search.Action {
	if n < 0 || s.Rounds[n].Full {
		return nil
	}
	s.Rounds[n].Full = true
	return s.cut(&s.Rounds[n])
}

// cut divides each rung that everybody has reached.
func (s *SuccessiveHalving) cut(r *Round) []search.Action {
	var out []search.Action
	for r.Full && r.Level < len(r.Rungs)-1 && r.Due[r.Level] == 0 {
		rung := &r.Rungs[r.Level]
		r.Level++
		if len(rung.Peers) == 0 {
			r.Level = len(r.Rungs) - 1
			break
		}
		top := min(max(rung.size()/s.eta(), 1), len(rung.Peers))
		for i := range rung.Peers {
			p := &rung.Peers[i]
			switch {
			case p.Risen: // it went on when the study was to end
			case i < top && p.Waiting:
				p.Risen = true // it waits for a slot
				r.Due[r.Level]++
			case i < top: // it ended by itself, and would have come this far
				p.Risen = true
				r.Rungs[r.Level].add(Peer{Trial: p.Trial, Values: p.Values, Done: p.Done}, s.Goal, s.Also...)
			case p.Waiting:
				p.Waiting = false
				out = append(out, search.Stop{Trial: p.Trial, Reason: rung.below(i, top, s.Goal)})
			}
		}
	}
	return out
}

// resume sends on up to slots trials that wait for one, the best first.
func (s *SuccessiveHalving) resume(slots int) []search.Action {
	var out []search.Action
	for n := range s.Rounds {
		r := &s.Rounds[n]
		if r.Level == 0 {
			continue
		}
		rung := &r.Rungs[r.Level-1]
		for i := range rung.Peers {
			if p := &rung.Peers[i]; p.Waiting && p.Risen && len(out) < slots {
				p.Waiting = false
				out = append(out, search.Resume{Trial: p.Trial, Budget: r.Rungs[r.Level].Budget, Reason: rung.rank(i)})
			}
		}
	}
	return out
}
