package nas

import (
	"cmp"
	"slices"

	"budwood/search"
)

// ensembleMemo keeps the last ensemble and what it was fitted to.
type ensembleMemo struct {
	of   *ensemble
	from []*individual

	among, best []*individual // the best trials of the first so many
}

// fitted is the ensemble of the past, nil if no trial has losses.
func (m *ensembleMemo) fitted(s *Space, all []*individual, req search.Request) *ensemble {
	lessons := slices.DeleteFunc(m.lessons(all), func(i *individual) bool { _, ok := s.candidate(i); return !ok })
	if len(lessons) == 0 {
		return nil
	}
	kept := 0
	if m.of != nil && m.of.seed == req.Seed {
		for kept < min(len(lessons), len(m.from)) && lessons[kept].net == m.from[kept].net && lessons[kept].trial == m.from[kept].trial {
			kept++
		}
		if kept == len(lessons) && slices.Equal(lessons, m.from) {
			return m.of
		}
	}
	if 2*kept > len(m.from) {
		m.of.forget(kept)
	} else { // and the features that only others had
		kept, m.of = 0, &ensemble{seed: req.Seed}
	}
	y := make([]float64, len(lessons))
	for k, i := range lessons {
		y[k] = i.losses[0]
		if k < kept {
			continue
		}
		if i.net.features == nil {
			i.net.features = encode(i.net.genome, req.Space, i.params)
		}
		m.of.learn(i.trial, i.net.features)
	}
	m.from = lessons
	m.of.fit(placed(y))
	return m.of
}

// lessons are the trials that an ensemble learns from, the oldest first: all, or of
// many the best and the youngest. So that they remain the same ones except for those that
// come, they are chosen once in learnAnew trials.
func (m *ensembleMemo) lessons(all []*individual) []*individual {
	if len(all) <= learnBest+learnYoung {
		return slices.Clone(all)
	}
	n := len(all) - len(all)%learnAnew
	if !slices.Equal(m.among, all[:n]) {
		m.among, m.best = slices.Clone(all[:n]), best(all[:n], learnBest)
		slices.SortFunc(m.best, func(a, b *individual) int { return cmp.Compare(a.at, b.at) })
	}
	young := all[n-learnYoung:]
	old, _ := slices.BinarySearchFunc(m.best, young[0].at, func(i *individual, at int) int { return cmp.Compare(i.at, at) })
	return slices.Concat(m.best[:old], young)
}
