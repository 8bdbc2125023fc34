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
}

// fitted is the ensemble of the past, nil if no trial has losses.
func (m *ensembleMemo) fitted(s *Space, all []*individual, req search.Request) *ensemble {
	lessons := slices.DeleteFunc(lessons(all), func(i *individual) bool { _, ok := s.candidate(i); return !ok })
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
// many the best and the youngest. So that they remain the same ones but for those that
// come, they are chosen once in learnAnew trials.
func lessons(all []*individual) []*individual {
	if len(all) <= learnBest+learnYoung {
		return slices.Clone(all)
	}
	n := len(all) - len(all)%learnAnew
	young := all[n-learnYoung:]
	old := best(all[:n], learnBest)
	slices.SortFunc(old, func(a, b *individual) int { return cmp.Compare(a.at, b.at) })
	old = slices.DeleteFunc(old, func(i *individual) bool { return i.at >= young[0].at })
	return append(old, young...)
}
