package study

import (
	"fmt"
	"strings"

	"budwood/engine"
	"budwood/search"
	"budwood/trials"
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
	case s.Command == nil && s.Data == nil:
		return wrong("mesh.ranks", "a gang trains what a command: or data: say; a Go function joins no gang: use threads")
	case s.Search.Inherit:
		return wrong("mesh.ranks", "networks that inherit weights (search.inherit) are trained by one rank: remove one of them")
	case s.Search.Batch > 1:
		return wrong("mesh.ranks", "a gang trains one trial at a time: leave search.batch out")
	case s.Command != nil:
		return nil
	}
	if s.Data.Split.CV > 0 {
		return wrong("mesh.ranks", "the networks of cross-validation (data.split.cv) are trained by one rank: use data.split.valid")
	}
	m := &s.Mesh
	if s.autoRanks() {
		return nil
	}
	if m.Data == 0 {
		m.Data = r.Max * max(m.Threads, 1)
		if m.Pipeline > 1 {
			m.Data = max(r.Max/(m.Pipeline*max(m.Tensor, 1)), 1) * max(m.Threads, 1)
		}
	}
	for n := r.Max; n >= r.Min; n-- {
		cut := engine.Mesh{Data: m.Data, Tensor: m.Tensor, Pipeline: m.Pipeline, World: &engine.World{Ranks: n}}
		if err := cut.Fits(manyRows, 1); err != nil {
			return wrong("mesh.ranks", "%s", strings.TrimPrefix(err.Error(), "mesh: "))
		}
	}
	return nil
}

// manyRows are those of a batch that can be cut in any way.
const manyRows = 1 << 40

// Whole adds what the ranks above 0 have spent in an attempt to the result of rank 0.
func (b Beside) Whole(r segment.Result, spent energy.Energy) segment.Result {
	r.Beside = b.Segment.Add(spent)
	r.Energy = r.Energy.Add(r.Beside)
	if wh, ok := r.Final.Metrics[trials.EnergyWh]; ok {
		r.Final.Metrics[trials.EnergyWh] = wh + (b.Before+r.Beside.Joules)/3600
	}
	return r
}

// ranksText says who trains a trial's network.
func ranksText(s *Spec) string {
	r := s.Mesh.Ranks
	if !r.Several() {
		return ""
	}
	text := fmt.Sprintf(" of each of %s ranks, which start all or nothing", r)
	if s.Mesh.Tensor > 1 {
		text += fmt.Sprintf("; where their number is a multiple of %d, each has one part of the layers, otherwise all in turn", s.Mesh.Tensor)
	}
	if s.Mesh.Zero > 0 {
		text += fmt.Sprintf(" (zero %d)", s.Mesh.Zero)
	}
	return text
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
