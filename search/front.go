package search

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Front is the Pareto front of a study's trials: those that no other beats in
// every objective. Trials are compared once they are trained to the end, that is,
// completed, or as far as any trial of the study: a trial that was stopped at
// its third epoch has spent less and learned less than one that had all, and its
// values say nothing of what it would have come to. Trials that were evaluated with
// shared weights ([SharedEpochs]) are compared with each other, but not with those
// that were trained from scratch when there are such.
type Front struct {
	Trials   []FrontTrial // the best by the first objective first
	Compared int          // trials that were
	Early    int          // trials with values that were not: stopped before the end
	Open     int          // likewise: they run, or wait at a rung
	Shared   int          // likewise: evaluated with shared weights
	Budget   int          // as far as any was trained
	Volume   float64      // the hypervolume from the worst value of each objective, as a share of the box up to the best ones
}

// FrontTrial is a trial on a front.
type FrontTrial struct {
	Trial  int       `json:"trial"`
	Budget int       `json:"budget"` // what it was trained for
	Values []float64 `json:"values"` // by objective
}

// ParetoFront is the front of the objectives, by the last measurement of each trial.
func ParetoFront(all []Record, objectives []Objective) Front {
	var f Front
	var some []*Record
	var losses [][]float64
	scratch := trainedBesideShared(all)
	for i := range all {
		r := &all[i]
		l, ok := r.Losses(objectives)
		switch {
		case !ok:
		case scratch != nil && !scratch[r.ID]:
			f.Shared++
		default:
			some, losses = append(some, r), append(losses, l)
			m, _ := r.Last()
			f.Budget = max(f.Budget, m.Budget)
		}
	}
	var points [][]float64
	kept := some[:0]
	for i, r := range some {
		if m, _ := r.Last(); r.State != Completed && m.Budget < f.Budget {
			if r.State.Ended() {
				f.Early++
			} else {
				f.Open++
			}
			continue
		}
		kept, points = append(kept, r), append(points, losses[i])
	}
	if f.Compared = len(kept); f.Compared == 0 {
		return f
	}
	first := Fronts(points)[0]
	slices.SortStableFunc(first, func(a, b int) int {
		return cmp.Or(cmp.Compare(points[a][0], points[b][0]), cmp.Compare(kept[a].ID, kept[b].ID))
	})
	best := make([][]float64, len(first))
	for k, i := range first {
		best[k] = points[i]
		m, _ := kept[i].Last()
		t := FrontTrial{Trial: kept[i].ID, Budget: m.Budget}
		for _, o := range objectives {
			t.Values = append(t.Values, m.Metrics[o.Metric])
		}
		f.Trials = append(f.Trials, t)
	}
	f.Volume = volumeShare(best, points)
	return f
}

// Has reports whether a trial is on the front.
func (f *Front) Has(trial int) bool {
	return slices.ContainsFunc(f.Trials, func(t FrontTrial) bool { return t.Trial == trial })
}

// String is the front in one line: how many trials are on it, and which were compared.
func (f Front) String() string {
	out := fmt.Sprintf("%s that no other beats in everything, of %d trained to the end (%d epochs, or until they no longer improved)", count(len(f.Trials), "trial"), f.Compared, f.Budget)
	var left []string
	for _, x := range []struct {
		n   int
		why string
	}{{f.Early, "stopped before"}, {f.Open, "on their way"}, {f.Shared, "evaluated with shared weights"}} {
		if x.n > 0 {
			left = append(left, fmt.Sprintf("%d %s", x.n, x.why))
		}
	}
	if left != nil {
		out += "; not compared: " + strings.Join(left, ", ")
	}
	return out
}

func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// Losses are the trial's last measurement of all objectives as losses; ok is false
// if one is missing, or if the trial is of no use: diverged, failed or infeasible.
func (r *Record) Losses(objectives []Objective) (losses []float64, ok bool) {
	switch r.State {
	case Diverged, Failed, Infeasible:
		return nil, false
	}
	for _, o := range objectives {
		l, ok := r.Loss(o)
		if !ok {
			return nil, false
		}
		losses = append(losses, l)
	}
	return losses, len(losses) > 0
}

// trainedBesideShared are the trials that were trained from scratch in a study
// where others were evaluated with shared weights; nil if there are no such others, or
// nothing but them and the one that trained the weights, which is the first.
func trainedBesideShared(all []Record) map[int]bool {
	shared, out := false, map[int]bool{}
	for i := range all {
		m, ok := all[i].Last()
		if _, evaluated := m.Metrics[SharedEpochs]; evaluated {
			shared = true
		} else if ok && all[i].ID > 0 {
			out[all[i].ID] = true
		}
	}
	if !shared || len(out) == 0 {
		return nil
	}
	return out
}

// volumeShare is the hypervolume of a front from the worst of all points, as a share
// of the box up to their best.
func volumeShare(front, all [][]float64) float64 {
	worst, least := slices.Clone(all[0]), slices.Clone(all[0])
	for _, p := range all {
		for k, l := range p {
			worst[k], least[k] = max(worst[k], l), min(least[k], l)
		}
	}
	box := 1.
	for k := range worst {
		box *= worst[k] - least[k]
	}
	if box == 0 {
		return 0
	}
	return Hypervolume(slices.Clone(front), worst) / box
}
