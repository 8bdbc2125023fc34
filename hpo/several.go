package hpo

import (
	"cmp"
	"math"
	"slices"

	"budwood/search"
)

// several is what the records of a study tell about all of its objectives.
type several struct {
	records []int       // with a finite value of each objective
	losses  [][]float64 // of those
	bad     []int       // records of trials that ended without usable losses
	pending []int       // records of trials that go on and have none yet
}

// readSeveral sorts the records. The losses of a trial that was stopped or waits
// are moved by the median change up to the last measurement, as in read.
func readSeveral(req search.Request) several {
	var s several
	gain := make([]map[int]float64, len(req.Objectives))
	for k, o := range req.Objectives {
		gain[k] = gains(req.Past, o)
	}
next:
	for i := range req.Past {
		r := &req.Past[i]
		losses := make([]float64, len(req.Objectives))
		for k, o := range req.Objectives {
			loss, ok := lossOf(r, o)
			switch {
			case !ok && r.State.Ended():
				s.bad = append(s.bad, i)
				continue next
			case !ok:
				s.pending = append(s.pending, i)
				continue next
			}
			if last, _ := r.Last(); r.State != search.Completed {
				loss += gain[k][last.Budget]
			}
			losses[k] = loss
		}
		s.records, s.losses = append(s.records, i), append(s.losses, losses)
	}
	return s
}

// scaled are the losses, each objective scaled so that its best is 0 and its
// worst among the best half of the fronts is 1.
func (s *several) scaled() [][]float64 {
	if len(s.losses) == 0 {
		return nil
	}
	half := 0
	m := len(s.losses[0])
	lo, hi := make([]float64, m), make([]float64, m)
	for k := range m {
		lo[k], hi[k] = math.Inf(1), math.Inf(-1)
	}
	for _, f := range search.Fronts(s.losses) {
		for _, i := range f {
			for k, v := range s.losses[i] {
				lo[k], hi[k] = min(lo[k], v), max(hi[k], v)
			}
		}
		if half += len(f); 2*half > len(s.losses) {
			break
		}
	}
	out := make([][]float64, len(s.losses))
	for i, l := range s.losses {
		out[i] = make([]float64, m)
		for k, v := range l {
			lo, v := lo[k]/2, v/2 // halves do not overflow
			if w := hi[k]/2 - lo; w > 0 {
				out[i][k] = (v - lo) / w
			}
		}
	}
	return out
}

// elite is the environmental selection of NSGA-II: whole fronts, the best first,
// as long as they fit, and of the next one the loneliest. It returns positions
// in losses, in the order of the crowded comparison (Deb et al. 2002, Section
// III-B).
func elite(losses [][]float64, size int) []int {
	var out []int
	for _, f := range search.Fronts(losses) {
		if len(out) >= size {
			break
		}
		far := crowding(losses, f)
		order := make([]int, len(f))
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(far[b], far[a]) })
		for _, i := range order[:min(len(order), size-len(out))] {
			out = append(out, f[i])
		}
	}
	return out
}

// crowding is the distance of each member of a front to its neighbours.
func crowding(losses [][]float64, front []int) []float64 {
	out := make([]float64, len(front))
	if len(front) == 0 {
		return out
	}
	order := make([]int, len(front))
	for i := range order {
		order[i] = i
	}
	for k := range losses[front[0]] {
		at := func(i int) float64 { return losses[front[order[i]]][k] / 2 }
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(losses[front[a]][k], losses[front[b]][k]) })
		last := len(order) - 1
		width := at(last) - at(0)
		out[order[0]], out[order[last]] = math.Inf(1), math.Inf(1)
		if !(width > 0) {
			continue
		}
		for i := 1; i < last; i++ {
			out[order[i]] += (at(i+1) - at(i-1)) / width
		}
	}
	return out
}
