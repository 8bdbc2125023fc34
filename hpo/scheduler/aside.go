package scheduler

import (
	"slices"

	"budwood/search"
)

// setAside takes the trials out of all rungs, and puts those back that were taken
// out before and are not named any more.
func setAside(rungs []Rung, trials []int, goals ...search.Goal) {
	for k := range rungs {
		rungs[k].setAside(trials, goals...)
	}
}

// setAside is that of one rung. It returns the peers that went and those that came
// back.
func (r *Rung) setAside(trials []int, goals ...search.Goal) (gone, back []Peer) {
	named := func(p Peer) bool { return slices.Contains(trials, p.Trial) }
	for _, p := range r.Peers {
		if named(p) {
			gone = append(gone, p)
		}
	}
	r.Peers = slices.DeleteFunc(r.Peers, named)
	for _, p := range r.Aside {
		if !named(p) {
			back = append(back, p)
		}
	}
	r.Aside = append(slices.DeleteFunc(r.Aside, func(p Peer) bool { return !named(p) }), gone...)
	slices.SortFunc(r.Aside, func(a, b Peer) int { return a.Trial - b.Trial })
	for _, p := range back { // of equals the one that came first is first: its number is the lower one, except for stragglers
		p.Front = 0
		r.add(p, goals[0], goals[1:]...)
	}
	if len(goals) > 1 && len(gone) > 0 && len(back) == 0 {
		r.sort(goals)
	}
	return gone, back
}

// setAside is that of a round: it no longer waits for a trial on its way to the
// next rung that is gone.
func (s *SuccessiveHalving) setAside(r *Round, trials []int) []search.Action {
	for k := range r.Rungs {
		gone, back := r.Rungs[k].setAside(trials, append([]search.Goal{s.Goal}, s.Also...)...)
		if k != r.Level-1 { // nobody waits for a slot there
			continue
		}
		for _, p := range gone {
			if p.Waiting && p.Risen {
				r.Due[r.Level]--
			}
		}
		for _, p := range back {
			if p.Waiting && p.Risen {
				r.Due[r.Level]++
			}
		}
	}
	return s.cut(r)
}
