package nas

import (
	"fmt"
	"math/rand/v2"

	"budwood/engine"
	"budwood/search"
)

// Supernet is one set of weights for all networks of a space, trained by training
// another network of the space, a path, in each step: single-path one-shot search
// (Guo et al. 2020, SPOS, section 3; weight sharing after Pham et al. 2018, ENAS).
// What a tensor is shared with follows from its place in the derivation and from
// its operation; layers of other sizes share what overlaps. Beside each tensor are
// the optimizer's state and steps, which move only when the tensor takes part.
// Running statistics are not shared: see [engine.Net.Recalibrate].
//
// A Supernet that nobody trains may lend its weights to many goroutines at once.
type Supernet struct {
	space  *Space
	fair   bool
	shared map[string]*sharedTensor
}

// sharedTensor is a shared tensor, as large as the largest that took part.
type sharedTensor struct {
	shape   []int
	centred int
	data    [][]float32 // weights, then the optimizer's slots
	steps   int         // of the optimizer
}

// Supernet makes the weights of a bound space; the tensors appear as networks with
// new ones take part. With fair paths each alternative of a choice, and each number
// of repetitions, is trained about as often as the others: they are dealt like
// cards (after FairNAS; Chu et al. 2021, whose strict fairness adds the gradients
// of a whole deal up in one step).
func (s *Space) Supernet(fair bool) *Supernet {
	return &Supernet{space: s, fair: fair, shared: map[string]*sharedTensor{}}
}

// Paths are random networks to train, one a step, drawn from r.
func (n *Supernet) Paths(r *rand.Rand) func() search.Params {
	draw := n.space.Sample
	if n.fair {
		draw = n.space.dealer().sample
	}
	return func() search.Params {
		p := search.Params{}
		draw(r).Into(p)
		return p
	}
}

// Lend gives a freshly compiled network the weights of its tensors; those that
// never took part keep their first values. With a trainer it goes on with this
// network and with the state of these tensors.
func (n *Supernet) Lend(p search.Params, net *engine.Net, tr *engine.Trainer) error {
	places, err := n.places(p, net)
	if err != nil {
		return err
	}
	tensors := net.Tensors()
	steps := make([]int, len(tensors))
	for i, t := range tensors {
		at := places[t.Name]
		if from := n.shared[at.key]; from != nil {
			from.lend(at, t.Data, 0)
			steps[i] = from.steps
		}
	}
	if tr == nil {
		return nil
	}
	if err := tr.Swap(net, steps); err != nil {
		return err
	}
	for slot, state := range tr.State() {
		for _, t := range state {
			at := places[t.Name]
			if from := n.shared[at.key]; from != nil {
				from.lend(at, t.Data, slot+1)
			}
		}
	}
	return nil
}

// Return takes the weights of the trainer's network and the state of its tensors
// back after a step.
func (n *Supernet) Return(p search.Params, tr *engine.Trainer) error {
	places, err := n.places(p, tr.Net())
	if err != nil {
		return err
	}
	state := tr.State()
	for i, t := range tr.Net().Tensors() {
		at := places[t.Name]
		to := n.shared[at.key]
		if to == nil || len(to.data) != 1+len(state) || len(to.shape) != len(at.view) { // new, or of a file without state
			to = &sharedTensor{shape: make([]int, len(at.view)), centred: at.centred, data: make([][]float32, 1+len(state))}
			n.shared[at.key] = to
		}
		to.grow(at.view, t.Data)
		to.take(at, t.Data, 0)
		for slot := range state {
			to.take(at, state[slot][i].Data, slot+1)
		}
		to.steps++
	}
	return nil
}

func (n *Supernet) places(p search.Params, net *engine.Net) (map[string]place, error) {
	g, err := FromParams(p)
	if err != nil {
		return nil, err
	}
	places, err := n.space.places(g, net)
	if err != nil {
		return nil, err
	}
	for _, t := range net.Tensors() {
		if _, ok := places[t.Name]; !ok {
			return nil, fmt.Errorf("shared weights: network %v has a tensor %s that has no place in its derivation", g, t.Name)
		}
	}
	return places, nil
}

// Alternatives is the largest number of alternatives of a choice in the grammar:
// each has weights of its own.
func (n *Supernet) Alternatives() int { return n.space.root.alternatives() }

func (p *production) alternatives() int {
	most := 1
	if p.kind == oneOfKind {
		most = len(p.kids)
	}
	for _, k := range p.kids {
		most = max(most, k.alternatives())
	}
	return most
}

// lend copies the part of the tensor that overlaps with a network's, of the weights
// or a slot.
func (t *sharedTensor) lend(at place, to []float32, slot int) {
	if slot < len(t.data) && t.data[slot] != nil && len(at.view) == len(t.shape) {
		from := t.data[slot]
		overlap(at.view, t.shape, t.centred, func(own, shared, n int) { copy(to[own:own+n], from[shared:shared+n]) })
	}
}

// take copies a network's tensor, which is not larger in any axis.
func (t *sharedTensor) take(at place, from []float32, slot int) {
	overlap(at.view, t.shape, t.centred, func(own, shared, n int) { copy(t.data[slot][shared:shared+n], from[own:own+n]) })
}

// grow makes the tensor at least as large as a network's in every axis. What neither
// has covered begins with values of the network's, over and over.
func (t *sharedTensor) grow(view []int, fresh []float32) {
	larger := make([]int, len(view))
	size, same := 1, true
	for i, v := range view {
		larger[i] = max(v, t.shape[i])
		size *= larger[i]
		same = same && larger[i] == t.shape[i]
	}
	if same {
		return
	}
	old := sharedTensor{shape: t.shape, centred: t.centred, data: t.data}
	t.shape, t.data = larger, make([][]float32, len(old.data))
	for slot := range t.data {
		t.data[slot] = make([]float32, size)
		if slot == 0 {
			tile(t.data[0], larger, fresh, view)
		}
		if old.data[slot] != nil {
			t.take(place{view: old.shape}, old.data[slot], slot)
		}
	}
}

// tile fills a tensor with the values of another one, over and over in every axis.
func tile(to []float32, shape []int, from []float32, size []int) {
	for i := range to {
		at, rest, stride := 0, i, 1
		for k := len(shape) - 1; k >= 0; k-- {
			at += rest % shape[k] % size[k] * stride
			rest /= shape[k]
			stride *= size[k]
		}
		to[i] = from[at]
	}
}

// overlap calls f for each stretch of the part that two tensors share: its places in
// both and its length. The first centred axes lie on each other by their centres.
func overlap(a, b []int, centred int, f func(atA, atB, n int)) {
	last := len(a) - 1
	var walk func(axis, atA, atB int)
	walk = func(axis, atA, atB int) {
		n := min(a[axis], b[axis])
		fromA, fromB := 0, 0
		if axis < centred {
			fromA, fromB = (a[axis]-n)/2, (b[axis]-n)/2
		}
		if axis == last {
			f(atA*a[axis]+fromA, atB*b[axis]+fromB, n)
			return
		}
		for i := range n {
			walk(axis+1, atA*a[axis]+fromA+i, atB*b[axis]+fromB+i)
		}
	}
	walk(0, 0, 0)
}
