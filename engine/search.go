package engine

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"

	"budwood/data"
	"budwood/engine/layout"
)

// MeshAuto lets the program choose the mesh: the one of the least predicted time that
// fits the memory. See [SearchMesh].
func MeshAuto() Mesh { return Mesh{Auto: true} }

// Choice is the answer to the search for a mesh.
type Choice struct {
	Best  *Prediction
	Next  []Other // the next best, the fastest first
	Why   string  // it is no more lanes than one; "": it is
	Lanes int     // that there were to choose from
	Epoch float64 // predicted seconds of an epoch; 0: the rows are not known
}

// Other is a mesh that was not chosen.
type Other struct {
	*Prediction
	Slower float64 // time / the best's − 1
	Why    string  // it lost
}

// mostOthers is the number of meshes that are told beside the best.
const mostOthers = 3

// worth is the share of the time that a second lane has to save, for it takes energy
// and another trial could use it.
const worth = .05

// SearchMesh finds the mesh of the least predicted time for a network on a machine (nil:
// the built-in one), of at most so many lanes (0: as many as there are processors) and so
// many bytes of memory (0: any). What t.Mesh gives of data and micro_batches stays. With a
// range t.Mesh.Ranks it is that of the best number of ranks, of so many lanes and so many
// bytes each, of stages of the network, parts of layers, and zero.
//
// The answer depends on these numbers alone. Meshes that differ by less than 5 % are as
// good as each other, and then that of fewer lanes is taken. More micro-batches than are
// needed, and computing activations again, are for networks that do not fit otherwise:
// what small matrices gain in the cache is predicted too roughly to count on. Micro-batches of fewer than
// 16 values a channel are not, for a network with batch norm.
func SearchMesh(l Layer, in data.Shape, c Config, t TrainConfig, m *Machine, lanes int, memory int64) (*Choice, error) {
	p, err := newPlanner(l, in, c, t, m)
	if err != nil {
		return nil, err
	}
	return p.search(lanes, memory)
}

// simpler reports whether a mesh has fewer lanes, or as many and fewer micro-batches.
func (x *candidate) simpler(o *candidate) bool {
	a, b := &x.Mesh, &o.Mesh
	return cmp.Or(cmp.Compare(x.lanes, o.lanes), cmp.Compare(x.Ranks, o.Ranks), cmp.Compare(a.Tensor, b.Tensor), cmp.Compare(a.Pipeline, b.Pipeline), cmp.Compare(a.Zero, b.Zero), cmp.Compare(x.Mesh.MicroBatches, o.Mesh.MicroBatches), cmp.Compare(x.Mesh.Recompute, o.Mesh.Recompute)) < 0
}

// ErrNoFit is wrapped by the error of a search in which no mesh fits the memory.
var ErrNoFit = layout.ErrNoFit

// chooseMesh searches the mesh for a network, if the program is to choose it.
func (c *TrainConfig) chooseMesh(n *Net) error {
	m := &c.Mesh
	if !m.Auto {
		return nil
	}
	own := *c
	own.Mesh.Ranks = Ranks{} // those that there are, are there
	a, err := SearchMesh(n.layer, n.in, n.cfg, own, m.Machine, m.Threads, 0)
	if err != nil {
		return err
	}
	if m.Chosen != nil {
		m.Chosen(a)
	}
	*m = a.Best.Mesh
	return nil
}

// candidate is a mesh that was priced.
type candidate struct {
	*Prediction
	lanes int
	spare bool // it saves memory, by more micro-batches than needed or by computing again
	over  bool // it does not fit
}

// search is [SearchMesh].
func (p *planner) search(lanes int, memory int64) (*Choice, error) {
	if lanes <= 0 {
		lanes = runtime.GOMAXPROCS(0)
	}
	list, idle, err := p.candidates(lanes, memory)
	if err != nil {
		return nil, err
	}
	enough := map[int]bool{} // whether so many lanes fit without saving memory
	for i := range list {
		x := &list[i]
		x.over = memory > 0 && x.Memory.Train > memory
		enough[x.lanes] = enough[x.lanes] || !x.spare && !x.over
	}
	slices.SortStableFunc(list, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.Step.Time.Step, b.Step.Time.Step), cmp.Compare(a.lanes, b.lanes), cmp.Compare(a.Mesh.MicroBatches, b.Mesh.MicroBatches))
	})
	best, fastest := -1, math.Inf(1)
	for i, x := range list { // the simplest of those that are about as fast as the fastest that fits
		if x.over || x.spare && enough[x.lanes] {
			continue
		}
		fastest = min(fastest, x.Step.Time.Step)
		if x.Step.Time.Step <= fastest*(1+worth) && (best < 0 || x.simpler(&list[best])) {
			best = i
		}
	}
	if best < 0 {
		least := slices.MinFunc(list, func(a, b candidate) int { return cmp.Compare(a.Memory.Train, b.Memory.Train) })
		return nil, fmt.Errorf("%w: the smallest, %s, takes %s of the %s that there are", layout.ErrNoFit, least.Mesh.Words(), layout.Bytes(float64(least.Memory.Train)), layout.Bytes(float64(memory)))
	}
	a := &Choice{Best: list[best].Prediction, Lanes: lanes}
	if a.Best.Lanes*a.Best.Ranks == 1 && max(lanes, p.t.Mesh.Ranks.Max) > 1 {
		if a.Why = idle; a.Why == "" {
			a.Why = "more lanes would save less than 5 % of the time, or take more memory than there is"
		}
	}
	for i, x := range list {
		if i != best && len(a.Next) < mostOthers {
			a.Next = append(a.Next, Other{x.Prediction, x.Step.Time.Step/a.Best.Step.Time.Step - 1, x.why(&list[best], memory)})
		}
	}
	return a, nil
}

// candidates are the meshes that are possible on up to so many lanes of each rank. idle says
// why more than one lane would not pay, if that is so whatever they take.
func (p *planner) candidates(lanes int, memory int64) (list []candidate, idle string, err error) {
	given := p.t.Mesh
	given.Auto = false
	if given.Ranks.Several() && given.World == nil {
		list, err = p.gangs(given, lanes, memory)
	} else {
		list, idle, err = p.onLanes(given, 1, lanes, memory)
	}
	if err == nil && len(list) == 0 {
		err = errors.New("mesh: auto: no mesh is possible")
	}
	return list, idle, err
}

// onLanes are those of so many ranks that share the data.
func (p *planner) onLanes(given Mesh, ranks, lanes int, memory int64) (list []candidate, idle string, err error) {
	for n := 1; n <= lanes; n++ {
		data := cmp.Or(given.Data, n*ranks)
		if data < n*ranks {
			break
		}
		if n*ranks > 1 && p.rows() < n*ranks {
			if idle == "" {
				idle = fmt.Sprintf("a step has only %d row", p.rows())
			}
			break
		}
		least := max((p.rows()+p.c.Batch*data-1)/(p.c.Batch*data), 1)
		micros := []int{given.MicroBatches}
		if given.MicroBatches == 0 {
			micros = nil
			for m := least; data*m <= p.rows() && len(micros) < mostMicros; m *= 2 {
				micros = append(micros, m)
			}
		}
		for _, micro := range micros {
			mesh := given
			mesh.Data, mesh.MicroBatches, mesh.Threads = data, micro, n
			if micro > least && p.crowded(mesh) {
				break // as all that follow
			}
			x, err := p.predict(mesh)
			if err != nil {
				return nil, "", err
			}
			if x.Lanes < n {
				if idle == "" {
					idle = fmt.Sprintf("a step has %.2g million operations for each of %d lanes, and more than one pays from %.0f million on", p.work(n)/1e6, n, leastWork/1e6)
				}
				break
			}
			list = append(list, candidate{Prediction: x, lanes: n * mesh.all(), spare: given.MicroBatches == 0 && micro > least && mesh.Pipeline < 2})
			if given.Recompute != RecomputeNone || memory == 0 || x.Memory.Train <= memory {
				continue
			}
			mesh.Recompute = RecomputeBlocks
			if x, err = p.predict(mesh); err != nil {
				return nil, "", err
			}
			list = append(list, candidate{Prediction: x, lanes: n * mesh.all(), spare: true})
		}
	}
	return list, idle, nil
}

// mostMicros bounds the numbers of micro-batches that are tried: 1, 2, 4 … times the
// least.
const mostMicros = 8

// crowded reports whether a batch norm would see too few values of a channel.
func (p *planner) crowded(mesh Mesh) bool {
	rows := p.with(mesh).microRows(p.c.Batch)
	for _, o := range p.b.Ops {
		if n, is := o.(*batchNorm); is && rows*n.per < leastValues {
			return true
		}
	}
	return false
}

// leastValues is the number of values of a channel below which the statistics of a
// batch norm are poor.
const leastValues = 16

// why says in a few words why a mesh lost against the best.
func (x *candidate) why(best *candidate, memory int64) string {
	switch {
	case x.over:
		return fmt.Sprintf("it takes %s of the %s that there are", layout.Bytes(float64(x.Memory.Train)), layout.Bytes(float64(memory)))
	case x.lanes > best.lanes && x.Step.Time.Step <= best.Step.Time.Step:
		return fmt.Sprintf("%d lanes save too little", x.lanes)
	case x.lanes > best.lanes:
		return "lanes wait for each other"
	case x.lanes < best.lanes:
		return "fewer lanes"
	case x.Mesh.Recompute != best.Mesh.Recompute:
		return "activations are computed again"
	case x.Step.Time.Step <= best.Step.Time.Step:
		return "saves too little"
	case x.Mesh.Tensor > best.Mesh.Tensor:
		return "parts of layers wait for each other"
	case x.Mesh.Pipeline > best.Mesh.Pipeline:
		return "stages wait for each other"
	case x.Mesh.Zero > best.Mesh.Zero:
		return "more is sent"
	case x.Rows < best.Rows && x.Step.Time.Step <= best.Step.Time.Step:
		return fmt.Sprintf("micro-batches of %d rows: only where memory asks for them", x.Rows)
	case x.Rows < best.Rows:
		return fmt.Sprintf("micro-batches of %d rows", x.Rows)
	}
	return "not faster"
}

// Words are the parts of a mesh: "data 2 × micro_batches 1 on 2 threads".
func (m *Mesh) Words() string {
	s := fmt.Sprintf("data %d × micro_batches %d", m.Shards(), max(m.MicroBatches, 1))
	if m.Tensor > 1 {
		s += fmt.Sprintf(" × tensor %d", m.Tensor)
	}
	if m.Pipeline > 1 {
		s += fmt.Sprintf(" × pipeline %d", m.Pipeline)
	}
	if m.Zero > 0 {
		s += fmt.Sprintf(", zero %d", m.Zero)
	}
	if m.Recompute != RecomputeNone {
		s += ", recompute " + string(m.Recompute)
	}
	of := " on "
	if n := m.all(); n > 1 {
		s += fmt.Sprintf(" on %d ranks", n)
		of = " of "
	}
	switch {
	case m.Threads == 1:
		return s + of + "one thread"
	case m.Threads > 1:
		return s + of + fmt.Sprintf("%d threads", m.Threads)
	}
	return s
}

// String says in one line what was chosen and why: "data 2 × micro_batches 1 on 2
// threads: 1.2 ms a step, 1.83 × one lane; next: …".
func (a *Choice) String() string {
	b := a.Best
	s := fmt.Sprintf("%s: predicted %s a step", b.Mesh.Words(), milliseconds(b.Step.Time.Step))
	if b.Lanes*b.Ranks > 1 {
		s += fmt.Sprintf(", %.2f × one lane", b.One/b.Step.Time.Step)
	}
	if a.Epoch > 0 {
		s += fmt.Sprintf(", %s an epoch", milliseconds(a.Epoch))
	}
	if a.Why != "" {
		s += "; one lane, for " + a.Why
	}
	for i, o := range a.Next {
		if i == 0 {
			s += "; next: "
		} else {
			s += ", "
		}
		s += fmt.Sprintf("%s %+.0f %% (%s)", o.Mesh.Words(), 100*o.Slower, o.Why)
	}
	return s
}

// milliseconds is a time with three digits.
func milliseconds(s float64) string {
	switch {
	case math.IsInf(s, 0) || math.IsNaN(s):
		return "no time"
	case s >= 1:
		return fmt.Sprintf("%.3g s", s)
	case s >= 1e-3:
		return fmt.Sprintf("%.3g ms", 1e3*s)
	}
	return fmt.Sprintf("%.3g µs", 1e6*s)
}

// work is the floating-point operations of one of n lanes in a step.
func (p *planner) work(n int) float64 {
	return rowWork(Cost(p.b.Cost())) * float64(p.rows()) / float64(n)
}
