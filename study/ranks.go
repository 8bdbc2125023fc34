package study

import (
	"fmt"

	"budwood/engine"
	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// completeRanks checks how many processes train a trial: its gang.
func (s *Spec) completeRanks() error {
	r := s.Mesh.Ranks
	switch {
	case r == engine.Ranks{}:
		return nil
	case r.Min < 1 || r.Max < r.Min:
		return wrong("mesh.ranks", "%s is not a number of ranks like 2, or a range of them like 2..4", r)
	case !r.Several():
		return nil
	case s.Command == nil:
		return wrong("mesh.ranks", "a gang of processes trains only what a command: does; for a network use threads")
	case s.Search.Batch > 1:
		return wrong("mesh.ranks", "a gang trains one trial at a time: leave search.batch out")
	}
	return nil
}

// describeRanks says how many processes train a trial, and what each needs.
func describeRanks(s *Spec) string {
	return fmt.Sprintf("a gang of %s ranks trains a trial, started all or nothing, each with %s", s.Mesh.Ranks, s.Needs())
}

// sawRanks takes what the ranks above 0 have spent on a segment.
func (p *Progress) sawRanks(seg search.Segment, r *segment.Result) {
	if r.Beside == (energy.Energy{}) {
		return
	}
	if p.Beside == nil {
		p.Beside = map[int]Beside{}
	}
	before := p.Before(seg)
	p.Beside[seg.Trial] = Beside{To: seg.To, Segment: r.Beside, Before: before.Before}
}

// Before is what ranks above 0 have taken of a trial before its segment is trained, or
// goes on after the end of the study interrupted it.
func (p *Progress) Before(seg search.Segment) Beside {
	b := p.Beside[seg.Trial]
	if b.To != seg.To {
		b = Beside{To: seg.To, Before: b.Before + b.Segment.Joules}
	}
	return b
}
