package compress

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/data"
	"budwood/engine"
)

// Importance is how the importance of channels is measured.
type Importance string

// The importances of channels. In a group it is the mean over the tensors that make its
// channels, and of L1 and L2 over those that read them, too; in each the scores are
// divided by their mean first, so that large layers do not decide (Fang et al. 2023).
//
// Where a norm follows, Taylor and Movement are those of its γ and β: the loss does not
// depend on the length of weights before a batch norm, so that Σ g·w is 0 there.
const (
	L1       Importance = "l1"       // Σ|w| of the weights that make or read the channel (Li et al. 2017)
	L2       Importance = "l2"       // √Σw²
	BNScale  Importance = "bn_scale" // |γ| of its norms (Liu et al. 2017); L1 in groups without a norm
	Taylor   Importance = "taylor"   // (Σ g·w)², the mean over batches: the change of the loss, squared (Molchanov et al. 2019)
	Movement Importance = "movement" // −Σ g·w, summed over batches (Sanh et al. 2020)
	Random   Importance = "random"   // the control
)

// Importances are all of them.
var Importances = []Importance{L1, L2, BNScale, Taylor, Movement, Random}

// Evidence is what importances need beside the network.
type Evidence struct {
	Set     *data.Set // of [Taylor] and [Movement]
	Batches int       // of the network's size, evenly over the set; 0 means 10
	Seed    uint64    // of [Random]
}

// Scores are the importances of the channels of every group that can be cut, in the
// order of their numbers.
func Scores(n *engine.Net, how Importance, e Evidence) (map[Group][]float64, error) {
	if err := alive(n); err != nil {
		return nil, fmt.Errorf("importance: %w", err)
	}
	if !slices.Contains(Importances, how) {
		return nil, fmt.Errorf("importance %q: is none of %v", how, Importances)
	}
	t, err := trace(n.Layer(), n.In(), nil)
	if err != nil {
		return nil, fmt.Errorf("importance: %w", err)
	}
	s := newScorer(n, t)
	if how == Taylor || how == Movement {
		if err := s.differentiate(n, how, e); err != nil {
			return nil, fmt.Errorf("importance %s: %w", how, err)
		}
	}
	out := map[Group][]float64{}
	r := rand.New(rand.NewPCG(e.Seed, 0))
	for g, group := range t.groups {
		if t.fixed(g) {
			continue
		}
		if how == Random {
			for range group.Size {
				out[group] = append(out[group], r.Float64())
			}
			continue
		}
		out[group] = s.group(g, how)
	}
	return out, nil
}

// scorer computes the scores of groups.
type scorer struct {
	*traced
	tensors map[string][]float32
	offsets map[string]int       // of each tensor in the parameters
	sums    map[string][]float64 // of Taylor and Movement: the score of each place of a member
}

func newScorer(n *engine.Net, t *traced) *scorer {
	s := &scorer{t, tensorsOf(n), map[string]int{}, map[string][]float64{}}
	at := 0
	for _, t := range n.Tensors() {
		s.offsets[t.Name] = at
		at += len(t.Data)
	}
	return s
}

// group is the scores of a group.
func (s *scorer) group(g int, how Importance) []float64 {
	counts := func(k kind) bool { return k == kernel || k == reader && how != Taylor && how != Movement }
	if how != L1 && how != L2 && slices.ContainsFunc(s.members, func(m member) bool { return m.kind == scale && s.within(m, g) }) {
		counts = func(k kind) bool { return k == scale }
	}
	out, of := make([]float64, len(s.roots[g])), make([]float64, len(s.roots[g]))
	for _, m := range s.members {
		if !counts(m.kind) || !s.within(m, g) {
			continue
		}
		own := map[int]float64{} // by channel
		for i, v := range s.places(m, how) {
			if at := s.at[s.root(m.el[i])]; at.group == g {
				own[at.number] += v
			}
		}
		var mean float64
		for i := range out {
			if v, ok := own[i]; ok {
				if how == L2 {
					v = math.Sqrt(v)
				}
				own[i] = v
				mean += math.Abs(v) / float64(len(own))
			}
		}
		for i := range out {
			if v, ok := own[i]; ok && mean > 0 {
				out[i] += v / mean
				of[i]++
			}
		}
	}
	for i := range out {
		out[i] /= max(of[i], 1)
	}
	return out
}

// within reports whether a member has channels of a group.
func (s *scorer) within(m member, g int) bool {
	return slices.ContainsFunc(m.el, func(e int) bool { return s.at[s.root(e)].group == g })
}

// places is what each place of a member's last axis counts; of L2 its square.
func (s *scorer) places(m member, how Importance) []float64 {
	if how == Taylor || how == Movement {
		return s.sums[m.tensor]
	}
	out := make([]float64, len(m.el))
	for i, v := range s.tensors[m.tensor] {
		if v := math.Abs(float64(v)); how == L2 {
			out[m.at(i)] += v * v
		} else {
			out[m.at(i)] += v
		}
	}
	return out
}

// differentiate finds Σ g·w of each channel of each member, batch by batch: its square,
// or what it falls by. That of a norm is of γ and β together.
func (s *scorer) differentiate(n *engine.Net, how Importance, e Evidence) error {
	own, err := built{n.Layer(), s.tensors}.compile(n) // its statistics move
	if err != nil {
		return err
	}
	if e.Set == nil {
		return fmt.Errorf("it needs a data set")
	}
	return eachBatch(own, e.Set, e.Batches, func(part *data.Set) error {
		loss, err := own.Gradient(part)
		if err != nil {
			return err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return fmt.Errorf("the loss is %v", loss)
		}
		for i := range s.members {
			s.gather(i, how, own.Params(), own.Grads())
		}
		return nil
	})
}

// gather adds what a batch's gradient says of a member's channels, which may have
// several places, as the columns of a head; the first of them takes it.
func (s *scorer) gather(i int, how Importance, w, g []float32) {
	m := s.members[i]
	if m.kind != kernel && m.kind != scale {
		return
	}
	whole := map[int]float64{} // Σ g·w of each root
	s.multiply(whole, m, w, g)
	if m.kind == scale {
		s.multiply(whole, s.members[i+1], w, g)
	}
	if s.sums[m.tensor] == nil {
		s.sums[m.tensor] = make([]float64, len(m.el))
	}
	for j, e := range m.el {
		v, first := whole[s.root(e)]
		if !first {
			continue
		}
		delete(whole, s.root(e))
		if how == Taylor {
			s.sums[m.tensor][j] += v * v
		} else {
			s.sums[m.tensor][j] -= v
		}
	}
}

func (s *scorer) multiply(to map[int]float64, m member, w, g []float32) {
	at := s.offsets[m.tensor]
	for i := range s.tensors[m.tensor] {
		to[s.root(m.el[m.at(i)])] += float64(w[at+i]) * float64(g[at+i])
	}
}
