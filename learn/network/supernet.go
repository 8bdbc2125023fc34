package network

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"

	"budwood/engine"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// Supernet is weights that the networks of a space share; package nas has one.
// Paths are params of random networks, one for each step. Lend gives a network the
// weights of its tensors, and makes the trainer, if there is one, go on with it;
// Return takes them back after a step. Alternatives is how many networks of a place
// have weights of their own at most. Save leaves the state of the optimizer out
// if training does not go on.
type Supernet interface {
	Paths(r *rand.Rand) func() search.Params
	Lend(p search.Params, n *engine.Net, tr *engine.Trainer) error
	Return(p search.Params, tr *engine.Trainer) error
	Alternatives() int
	Save(w io.Writer, state bool) error
	Load(r io.Reader) error
}

// calibration is the batches from which the running statistics of a network with
// shared weights are computed.
const calibration = 10

// supernet trains shared weights, a path in each step. Between epochs the
// network is the trial's own, with the shared weights at that moment.
type supernet struct {
	Supernet
	*members // the trial's own network
	t        *trials.Trial
	left     int64 // bytes that the networks of steps have left behind since they were last collected
}

// mostLeft is how much the networks of steps may leave behind before they are
// collected. Each step has one of its own, of which the runtime alone would collect
// none until they take as much as everything else.
const mostLeft = 32 << 20

// trainSupernet trains the shared weights for the trial's epochs, and validates its
// own network with them after each.
func (s Supervised) trainSupernet(t *trials.Trial) error {
	m, err := s.members(t.Params, t.Total(), t.Seed(), nil)
	if err != nil {
		return err
	}
	if len(m.trainers) > 1 {
		return errors.New("shared weights cannot be trained with cross-validation")
	}
	t.CountLast()
	t.Remember(trials.Facts{Shared: true})
	return learn.Run(t, &supernet{Supernet: s.Supernet(), members: m, t: t})
}

func (n *supernet) trainer() *engine.Trainer { return n.trainers[0] }

// Epoch trains one epoch, which depends on the shared weights, the trial's seed and
// the epoch's number alone.
func (n *supernet) Epoch() error {
	tr, seed := n.trainer(), n.t.Seed()
	next := n.Paths(rand.New(rand.NewPCG(seed, uint64(tr.Done()+1))))
	for {
		p := maps.Clone(n.t.Params)
		maps.Copy(p, next())
		net, _, err := n.s.compile(p, n.folds[0].Train, seed+uint64(tr.Steps()))
		if err != nil {
			return fmt.Errorf("a path of the supernet: %w", err)
		}
		if err := n.Lend(p, net, tr); err != nil {
			return err
		}
		last, err := tr.Step(n.folds[0].Train)
		if err != nil {
			return err
		}
		if err := n.Return(p, tr); err != nil {
			return err
		}
		if n.left += tr.Memory().Train; n.left > mostLeft {
			runtime.GC()
			n.left = 0
		}
		if last {
			return nil
		}
	}
}

// Score scores the trial's own network with the shared weights.
func (n *supernet) Score() (search.Metrics, error) {
	net, _, err := n.s.compile(n.t.Params, n.folds[0].Train, n.t.Seed())
	if err != nil {
		return nil, err
	}
	if err := n.Lend(n.t.Params, net, n.trainer()); err != nil {
		return nil, err
	}
	score, err := n.recalibrated()
	if err != nil {
		return nil, err
	}
	values := n.valid(score)
	values["train_loss"] = n.trainer().Loss()
	n.trainer().Observe(score.Loss)
	return values, nil
}

// recalibrated scores a network whose weights are shared ones: its running statistics
// are computed first.
func (m *members) recalibrated() (engine.Score, error) {
	if err := m.trainers[0].Net().Recalibrate(m.folds[0].Train, calibration); err != nil {
		return engine.Score{}, err
	}
	return m.score(0)
}

// Save writes the trial's own trainer behind its length (8 bytes, little-endian),
// then the shared weights, without what only training needs if that is over.
func (n *supernet) Save(w io.Writer) error {
	if err := writeBehindLength(w, n.members.Save); err != nil {
		return err
	}
	return n.Supernet.Save(w, n.trainer().Done() < n.t.Total())
}

// Load reads what Save wrote.
func (n *supernet) Load(r io.Reader) error {
	own, err := partOf(r)
	if err != nil {
		return err
	}
	if err := n.members.Load(own); err != nil {
		return err
	}
	return n.Supernet.Load(r)
}
