package meta

// share hands out q.N places by the method of highest averages (D'Hondt): the next
// place goes to the study with the largest similarity / (places taken + 1).
// Configurations that are in the plan already do not count.
func share(plan *Plan, found []precedent, q Query) {
	seen := map[string]bool{}
	for len(plan.Candidates) < q.N {
		best := -1
		for i := range found {
			p := &found[i]
			for p.next < len(p.candidates) && seen[q.Key(p.candidates[p.next].Params)] {
				p.next++
			}
			if p.next < len(p.candidates) && (best < 0 || p.average() > found[best].average()) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		p := &found[best]
		c := p.candidates[p.next]
		seen[q.Key(c.Params)] = true
		plan.Candidates = append(plan.Candidates, c)
		p.taken++
	}
	for _, p := range found {
		if p.taken > 0 {
			plan.Sources = append(plan.Sources, Source{p.study, p.similarity, p.candidates[0].Value, p.taken})
		}
	}
}

func (p *precedent) average() float64 { return p.similarity / float64(p.taken+1) }
