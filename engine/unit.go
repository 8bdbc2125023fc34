package engine

import (
	"budwood/engine/internal/plan"
	"budwood/engine/mesh"
)

// stretch is lo … hi−1 of something, most often of all parameters.
type stretch struct{ lo, hi int }

func (s stretch) size() int { return s.hi - s.lo }

// of is the part of a vector as long as the parameters.
func (s stretch) of(x []float32) []float32 { return x[s.lo:s.hi:s.hi] }

// unit is a stretch of the parameters that travels between the ranks at once. With
// zero 0 it is all of them. From zero 1 on it is those of a few layers: their
// gradients go to the ranks that update them as soon as all of them are there, and with
// zero 3 their weights come when they are needed.
type unit struct {
	stretch
	ops  stretch // of the plan
	cuts []int   // where the ranks' pieces begin among all parameters, and where the last one ends
	own  stretch // the piece that this rank updates
	at   int     // where that begins in a vector of all own pieces

	sums  [][]float32 // of the lanes' gradients, one for each of their subtrees
	trees [][]float32 // those that become the sums of the rank's subtrees
}

// bucket is the most parameters of several layers in one unit: 4 MiB.
const bucket = 1 << 20

// units cuts the parameters of a plan into units, and these into the ranks' pieces.
func (c *TrainConfig) units(b *plan.Builder) (list []unit) {
	m, n := &c.Mesh, c.Mesh.ranks()
	all := int(plan.Total(b.Params))
	if n == 1 || m.Zero == 0 {
		list = []unit{{stretch: stretch{0, all}, ops: stretch{0, len(b.Ops)}}}
	} else {
		most := bucket
		if m.bucket > 0 {
			most = m.bucket
		}
		open, k := unit{}, 0
		add := func(j plan.Joint) {
			size := int(plan.Total(b.Params[k:j.Params]))
			if size > 0 && open.size() > 0 && open.size()+size > most {
				list = append(list, open)
				open = unit{stretch: stretch{open.hi, open.hi}, ops: stretch{open.ops.hi, open.ops.hi}}
			}
			open.hi, open.ops.hi, k = open.hi+size, j.Ops, j.Params
		}
		for _, j := range b.Joints {
			add(j)
		}
		add(plan.Joint{Ops: len(b.Ops), Params: len(b.Params)})
		list = append(list, open)
	}
	for i := range list {
		u := &list[i]
		u.own = u.stretch
		if n == 1 || m.Zero == 0 {
			continue
		}
		for k := range n + 1 {
			u.cuts = append(u.cuts, min(max(blockAt(b.Params, u.lo+u.size()*k/n), u.lo), u.hi))
		}
	}
	return list
}

// sharded reports whether ranks share gradients, that is, travel in units.
func (m *Mesh) sharded() bool { return m.Zero >= 2 && m.ranks() > 1 }

// place gives the own pieces of the units their places one behind the other, and
// returns how long they are.
func place(units []unit) (size int) {
	for i := range units {
		units[i].at = size
		size += units[i].own.size()
	}
	return size
}

// buffers is how long the two buffers must be that units take turns in.
func buffers(units []unit) (sizes [2]int) {
	for i := range units {
		sizes[i%2] = max(sizes[i%2], units[i].size())
	}
	return sizes
}

// weightsOf is the weights of the own piece of a unit.
func (t *Trainer) weightsOf(u *unit) []float32 {
	if t.master != nil {
		return t.master[u.at:][:u.own.size():u.own.size()]
	}
	return u.own.of(t.net.params)
}

// gradientOf is the gradient of the own piece of a unit, once it is summed up.
func (t *Trainer) gradientOf(u *unit) []float32 {
	if t.total != nil {
		return t.total[u.at:][:u.own.size():u.own.size()]
	}
	return u.own.of(t.net.grads)
}

// ownOf is the part of a vector of all own pieces.
func (u *unit) ownOf(x []float32) []float32 { return x[u.at:][:u.own.size():u.own.size()] }

// piece is a lane's part of the own piece of a unit.
type piece struct {
	stretch           // of all parameters
	w, g    []float32 // weights and gradient
	at      int       // where it begins in a vector of all own pieces
}

// laneCut is where lane i's part of the own pieces begins, in a vector of these:
// between two blocks.
func (t *Trainer) laneCut(i int) int {
	want := t.size * i / len(t.lanes)
	for k := range t.units {
		u := &t.units[k]
		if want > u.at+u.own.size() {
			continue
		}
		place := blockAt(t.net.plan.Params, u.own.lo+want-u.at)
		return u.at + min(max(place, u.own.lo), u.own.hi) - u.own.lo
	}
	return t.size
}

// pieces are a lane's parts of the own pieces.
func (t *Trainer) pieces(lane int) (list []piece) {
	from, to := t.laneCut(lane), t.laneCut(lane+1)
	for k := range t.units {
		u := &t.units[k]
		lo, hi := max(from, u.at), min(to, u.at+u.own.size())
		if lo >= hi {
			continue
		}
		list = append(list, piece{
			stretch: stretch{u.own.lo + lo - u.at, u.own.lo + hi - u.at},
			w:       t.weightsOf(u)[lo-u.at : hi-u.at : hi-u.at],
			g:       t.gradientOf(u)[lo-u.at : hi-u.at : hi-u.at],
			at:      lo,
		})
	}
	return list
}

// addingOf is the part of a unit, counted from where it begins, in which a lane adds up
// the lanes' gradients. A rank alone goes on with it without waiting for other lanes.
func (t *Trainer) addingOf(u *unit, l *lane) stretch {
	switch {
	case t.ranks != nil:
		from, to := mesh.Cut(u.size(), len(t.lanes), l.number)
		return stretch{from, to}
	case len(l.pieces) > 0:
		return l.pieces[0].stretch
	}
	return stretch{}
}
