package trials

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"

	"budwood/engine"
	"budwood/search"
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

// supernet trains shared weights, a path in each step. Between epochs the network
// is the trial's own, with the weights of then.
type supernet struct {
	Supernet
	s     Supervised
	t     *Trial
	own   *members
	total int
	left  int64 // bytes that the networks of steps have left behind since they were last collected
}

// mostLeft is how much the networks of steps may leave behind before they are
// collected. Each step has one of its own, of which the runtime alone would collect
// none until they take as much as everything else.
const mostLeft = 32 << 20

// trainSupernet trains the shared weights for the trial's epochs, and validates its
// own network with them after each.
func (s Supervised) trainSupernet(t *Trial) error {
	m, size, err := s.members(t.Params, t.Total(), t.Seed(), nil)
	if err != nil {
		return err
	}
	if len(m.trainers) > 1 {
		return errors.New("shared weights cannot be trained with cross-validation")
	}
	n := &supernet{Supernet: s.Supernet(), s: s, t: t, own: m, total: t.Total()}
	t.CountLast()
	t.Remember(Facts{Bank: true})
	if err := t.Keep(n); err != nil {
		return err
	}
	for epoch := range t.Epochs() {
		if err := n.epoch(epoch); err != nil {
			return err
		}
		score, err := n.validate()
		if err != nil {
			return err
		}
		values := s.valid(m, score, size)
		values["train_loss"] = n.trainer().Loss()
		n.trainer().Observe(score.Loss)
		t.ReportAll(values)
		m.keepBest()
	}
	return nil
}

func (n *supernet) trainer() *engine.Trainer { return n.own.trainers[0] }

// epoch trains one epoch, which depends on the shared weights, the trial's seed and
// the epoch's number alone.
func (n *supernet) epoch(epoch int) error {
	tr, seed := n.trainer(), n.t.Seed()
	next := n.Paths(rand.New(rand.NewPCG(seed, uint64(epoch))))
	for {
		p := maps.Clone(n.t.Params)
		maps.Copy(p, next())
		net, _, err := n.s.compile(p, n.own.folds[0].Train, seed+uint64(tr.Steps()))
		if err != nil {
			return fmt.Errorf("a path of the supernet: %w", err)
		}
		if err := n.Lend(p, net, tr); err != nil {
			return err
		}
		last, err := tr.Step(n.own.folds[0].Train)
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

// validate scores the trial's own network with the shared weights.
func (n *supernet) validate() (engine.Score, error) {
	net, _, err := n.s.compile(n.t.Params, n.own.folds[0].Train, n.t.Seed())
	if err != nil {
		return engine.Score{}, err
	}
	if err := n.Lend(n.t.Params, net, n.trainer()); err != nil {
		return engine.Score{}, err
	}
	return n.own.judge()
}

// judge scores members whose weights are shared ones: their running statistics are
// computed first.
func (m *members) judge() (engine.Score, error) {
	if err := m.trainers[0].Net().Recalibrate(m.folds[0].Train, calibration); err != nil {
		return engine.Score{}, err
	}
	return m.score(0)
}

// judge validates a candidate with the shared weights: an epoch of work for the
// runner, in which nothing is trained. It counts at the budget up to which the
// shared weights are trained.
func (s Supervised) judge(t *Trial) error {
	m, size, err := s.members(t.Params, t.Total(), t.Seed(), nil)
	if err != nil {
		return err
	}
	if err := t.Keep(m); err != nil {
		return err
	}
	if !t.Resumed() {
		t.Skip(t.Task().To - 1)
	}
	for range t.Epochs() {
		n, epochs, err := s.sharedWeights(t)
		if err != nil {
			return err
		}
		if err := n.Lend(t.Params, m.trainers[0].Net(), nil); err != nil {
			return err
		}
		score, err := m.judge()
		if err != nil {
			return err
		}
		values := s.valid(m, score, size)
		values[search.SharedEpochs] = float64(epochs)
		t.ReportAll(values)
		m.keepBest()
	}
	return nil
}

// errNoWeights means that a study's candidates cannot be judged here, now or later.
var errNoWeights = errors.New("the shared weights that the study's first trial trained are not there")

// sharedWeights are those that the first trial of the study trained, and the epochs
// of their training. Nobody may train these further.
func (s Supervised) sharedWeights(t *Trial) (Supernet, int, error) {
	n, epochs, err := t.Shared(SupernetTrial, func(c *Checkpoint) (any, error) {
		if !c.Facts().Bank {
			return nil, nil
		}
		own, err := partOf(c.Model())
		if err == nil {
			_, err = io.Copy(io.Discard, own)
		}
		n := s.Supernet()
		if err == nil {
			err = n.Load(c.Model())
		}
		return n, err
	})
	var machine *MachineError
	switch {
	case errors.As(err, &machine):
		return nil, 0, err
	case err != nil:
		return nil, 0, fmt.Errorf("%w: %w", errNoWeights, err)
	case n == nil:
		return nil, 0, errNoWeights
	}
	return n.(Supernet), epochs, nil
}

// Save writes the trial's own trainer behind its length (8 bytes, little-endian),
// then the shared weights, without what only training needs if that is over.
func (n *supernet) Save(w io.Writer) error {
	if err := writeBehindLength(w, n.own.Save); err != nil {
		return err
	}
	return n.Supernet.Save(w, n.trainer().Done() < n.total)
}

// Load reads what Save wrote.
func (n *supernet) Load(r io.Reader) error {
	own, err := partOf(r)
	if err != nil {
		return err
	}
	if err := n.own.Load(own); err != nil {
		return err
	}
	return n.Supernet.Load(r)
}
