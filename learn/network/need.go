package network

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// Need is the memory that a trial takes at its peak, in bytes: a plan, made before
// anything is allocated. It is what a process grows by within 10 %; of weights that
// many candidates share it is a bound.
type Need struct {
	Networks int64 // parameters, gradients, the optimizer's state, activations, batches: of one network, or of one a fold
	Kept     int64 // copies of the best weights, and what is said of validation rows
	Others   int64 // weights of a parent, or those that all candidates share, and what trains these
	Data     int64 // the data set
	Batch    int   // rows of a step
}

// Total is all of it.
func (n Need) Total() int64 { return n.Networks + n.Kept + n.Others + n.Data }

// String tells the parts: "networks with batches of 64 rows 1.2 GiB, …".
func (n Need) String() string {
	s := fmt.Sprintf("network with batches of %d rows %s, best weights %s", n.Batch, trials.BytesText(n.Networks), trials.BytesText(n.Kept))
	if n.Batch == 0 { // of another learner
		s = fmt.Sprintf("model with its rows in bins %s, predictions %s", trials.BytesText(n.Networks), trials.BytesText(n.Kept))
	}
	if n.Others > 0 {
		s += ", weights of others " + trials.BytesText(n.Others)
	}
	return s + ", data set " + trials.BytesText(n.Data)
}

// Room is the memory that a trial may take, its data set included.
type Room struct {
	Bytes int64  // 0: any
	Of    string // where that comes from: "worker host/7 has 12 GiB by --mem, for 2 at once and their data set"
}

// over says that a need is larger than the room, and what to do; nil if it is not.
func (r Room) over(n Need) error {
	if r.Bytes == 0 || n.Total() <= r.Bytes {
		return nil
	}
	return fmt.Errorf(overWord+"%s of memory (%v), a trial here has %s (%s): make the network, its input or the batch smaller, or give trials more with resources.mem in the study, or --mem of the worker",
		trials.BytesText(n.Total()), n, trials.BytesText(r.Bytes), r.Of)
}

// overWord begins the reason of a trial that needs more than its room.
const overWord = "training it takes "

// OverMemory reports whether the reason of a trial is that it would not have fit.
func OverMemory(reason string) bool {
	_, after, ok := strings.Cut(reason, overWord)
	return ok && strings.Contains(after, " of memory (")
}

// sampledPaths is how many networks of a space stand for all of them when the
// memory of shared weights is planned.
const sampledPaths = 32

// Role is what a trial does beside training its own network.
type Role int

const (
	Alone      Role = iota // it trains its own network, from scratch
	Inheriting             // it begins with the weights of a parent
	Evaluated              // it is validated with the weights that all share
	Sharing                // it trains these
)

// role is what a task asks for.
func (s Supervised) role(t *trials.Task, inherits bool) Role {
	switch {
	case t.Supernet && s.Supernet != nil && t.Trial.ID == trials.SupernetTrial:
		return Sharing
	case t.Supernet && s.Supernet != nil:
		return Evaluated
	case inherits:
		return Inheriting
	}
	return Alone
}

// Need plans the memory of a candidate. The error is that of its network.
func (s Supervised) Need(p search.Params, role Role) (Need, error) {
	if o, err := s.other(p); err != nil {
		return Need{}, err
	} else if o != nil {
		return o.Need()
	}
	n := Need{Data: s.Data.Bytes() + s.softBytes()}
	for _, f := range s.folds() {
		m, batch, err := s.memory(p, f.Train)
		if err != nil {
			return n, err
		}
		n.Batch = batch
		n.Networks += m.Train + 4*int64(f.Train.Len()) // and the order of the rows
		n.Kept += m.Best
		if len(s.Scores) > 0 {
			steps := max(len(f.Train.Class)/max(f.Train.Len(), 1), 1)
			n.Kept += 4 * int64(f.Valid.Len()) * int64(max(s.Data.Classes, f.Train.Outputs)*steps)
		}
		if s.Plan != nil { // the original, which is no smaller, and what rows for the ranges of integers hold
			n.Others += m.Params + (m.Infer-m.Params)/int64(max(batch, 1))*int64(cmp.Or(s.Plan.Rows, calibrated))
		}
		if role == Inheriting { // its parent is about as large: weights, their best, and the optimizer's state of a checkpoint
			n.Others += m.Best + m.Params + m.Optimizer
		}
	}
	if role == Evaluated || role == Sharing {
		return n, s.needShared(&n, p, role == Sharing)
	}
	return n, nil
}

// calibrated is the rows that find the ranges of values in integers.
const calibrated = 512

// needShared adds a bound of the weights that all candidates share: those of the
// largest network that is drawn, for each alternative. If they are trained, such a
// network takes part in each step, while the trainer has the one before, and what
// older ones have left is there too.
func (s Supervised) needShared(n *Need, p search.Params, trains bool) error {
	shared := s.Supernet()
	next, own := shared.Paths(rand.New(rand.NewPCG(0, 0))), search.Params{}
	var most engine.Memory
	for range sampledPaths {
		for k, v := range p {
			own[k] = v
		}
		for k, v := range next() {
			own[k] = v
		}
		m, _, err := s.memory(own, s.folds()[0].Train)
		if err != nil {
			return fmt.Errorf("a path of the supernet: %w", err)
		}
		if m.Train > most.Train {
			most = m
		}
	}
	n.Others = most.Params * int64(shared.Alternatives())
	if trains {
		n.Others += most.Optimizer*int64(shared.Alternatives()) + 2*most.Train + max(most.Train, mostLeft)
	}
	return nil
}

// memory is what one network of a candidate takes to be trained on a set.
func (s Supervised) memory(p search.Params, train *data.Set) (m engine.Memory, batch int, err error) {
	recipe, err := ReadRecipe(s.all(p))
	if err != nil {
		return m, 0, err
	}
	layer, err := s.Build(s.all(p), train.Shape, max(s.Data.Classes, train.Outputs))
	if err != nil {
		return m, 0, err
	}
	c := recipe.network(train, 0)
	t := recipe.config(1, 0)
	t.Mesh = oneLane(s.Mesh)
	m, err = engine.Footprint(layer, train.Shape, c, t)
	return m, c.Batch, err
}

// NetworkMemory is what one network with the hyperparameters of a candidate takes,
// in batches of so many rows if there are as many.
func NetworkMemory(fixed, p search.Params, l engine.Layer, in data.Shape) (m engine.Memory, batch int, err error) {
	r, err := ReadRecipe(Supervised{Fixed: fixed}.all(p))
	if err != nil {
		return m, 0, err
	}
	c := r.compiled(r.Batch, 0)
	m, err = engine.Footprint(l, in, c, r.config(1, 0))
	return m, c.Batch, err
}

// folds are those of the data, or its two parts as the only one.
func (s Supervised) folds() []data.Fold {
	if len(s.Data.Folds) > 0 {
		return s.Data.Folds
	}
	return []data.Fold{{Train: s.Data.Train, Valid: s.Data.Valid}}
}

// lend gives each network of a trial its part of the memory that is left for what idle cores
// compute: of its room what it does not need.
func (s *Supervised) lend(p search.Params, role Role) error {
	if s.Room.Bytes == 0 || s.Mesh.Idle == nil {
		return nil
	}
	n, err := s.Need(p, role)
	if err != nil {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	s.Mesh.IdleRoom = max((s.Room.Bytes-n.Total())/int64(len(s.folds())), 1)
	return nil
}

// admit makes a trial that would not fit in the memory it may take infeasible,
// before anything is allocated. One that was trained before, where there was more,
// ends with what it has.
func (s Supervised) admit(t *trials.Trial, role Role) (ended bool, err error) {
	if s.Room.Bytes == 0 && s.Mesh.World == nil {
		return false, nil
	}
	n, err := s.Need(t.Params, role)
	if err != nil {
		return false, fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	over, err := t.Agree(s.Room.over(n)) // ranks may have unequal room
	if err != nil {
		return false, err
	}
	if over != nil && t.Stop("not trained further: "+over.Error()) {
		return true, nil
	}
	if over != nil {
		over = fmt.Errorf("%w: %w", trials.ErrInfeasible, over)
	}
	return false, over
}
