package network

import (
	"fmt"
	"io"
	"maps"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// members are the trainers of a candidate: one, or with cross-validation one for
// each fold, trained on the rows of the others. They are scored on rows that
// they have not seen, so that together every row that is not for the test is
// validated once; in the end the mean of the members is the network (bagging over
// folds, as in Krogh & Vedelsby 1995).
type members struct {
	s         Supervised
	trainers  []*engine.Trainer
	folds     []data.Fold
	cost      engine.Cost    // of all networks together
	use       search.Metrics // what it costs to use all of them; nil: not asked for
	loss      float64        // loss of the last epoch, the mean of the members
	inherited float64        // share of the tensors that came from the parent, 0 to 1
	outputs   [][]float32    // outputs of each network for its validation rows, when they were last scored; nil: not asked for
}

// Epoch trains each member for one epoch.
func (m *members) Epoch() error {
	losses := make([]float64, len(m.trainers))
	if err := m.each(func(i int) (err error) {
		losses[i], err = m.trainers[i].Epoch(m.folds[i].Train)
		return err
	}); err != nil {
		return err
	}
	m.loss = 0
	for _, l := range losses {
		m.loss += l / float64(len(m.trainers))
	}
	return nil
}

// each does something with every member, which have nothing in common: several at once
// where cores are idle. The error is that of the first.
func (m *members) each(do func(i int) error) error {
	mesh, errs := m.s.Mesh, make([]error, len(m.trainers))
	if mesh.Idle == nil || mesh.World != nil || mesh.Threads > 1 || len(errs) == 1 {
		for i := range errs {
			if err := do(i); err != nil {
				return m.named(i, err)
			}
		}
		return nil
	}
	mesh.Idle.Each(len(errs), len(errs)-1, func(i, _ int) { errs[i] = do(i) })
	for i, err := range errs {
		if err != nil {
			return m.named(i, err)
		}
	}
	return nil
}

// Score is what the networks come to on the validation rows, and the loss of the
// epoch trained last. The schedules of learning rates hear of it.
func (m *members) Score() (search.Metrics, error) {
	scores, rows := make([]engine.Score, len(m.trainers)), make([]int, len(m.trainers))
	if err := m.each(func(i int) (err error) {
		scores[i], err = m.score(i)
		return err
	}); err != nil {
		return nil, err
	}
	for i, tr := range m.trainers {
		rows[i] = m.folds[i].Valid.Len()
		tr.Observe(scores[i].Loss)
	}
	values := m.valid(engine.JoinScores(scores, rows))
	values["train_loss"] = m.loss
	return values, nil
}

// valid are the metrics of a score on the validation rows.
func (m *members) valid(score engine.Score) search.Metrics {
	values := m.s.metrics("valid_", score)
	if m.outputs != nil {
		outputs, rows := m.predictions()
		m.s.score(values, "valid_", rows, outputs)
	}
	return values
}

// Size is the number of parameters, and of multiply-accumulates for a row, of all
// networks together.
func (m *members) Size() search.Metrics {
	out := search.Metrics{"params": float64(m.cost.Params), "macs": float64(m.cost.MACs)}
	maps.Copy(out, m.use)
	return out
}

// add adds what it costs to use one more network.
func (m *members) add(of search.Metrics) {
	if m.use == nil {
		m.use = search.Metrics{}
	}
	for k, v := range of {
		m.use[k] += v
	}
}

// score scores a member on its validation rows.
func (m *members) score(i int) (engine.Score, error) {
	tr, set := m.trainers[i], m.folds[i].Valid
	if m.outputs == nil {
		return tr.Evaluate(set)
	}
	if m.outputs[i] == nil {
		m.outputs[i] = make([]float32, set.Len()*tr.Net().Out().Size())
	}
	return tr.EvaluateTo(m.outputs[i], set)
}

func (m *members) named(i int, err error) error {
	if len(m.trainers) == 1 {
		return err
	}
	return fmt.Errorf("fold %d: %w", i, err)
}

// KeepBest keeps a copy of the weights.
func (m *members) KeepBest() {
	for _, tr := range m.trainers {
		tr.KeepBest()
	}
}

// best is the network with the weights of the best epoch.
func (m *members) best() (Net, error) {
	nets := m.bests()
	if len(nets) == 1 {
		return nets[0], nil
	}
	return engine.Mean(nets...)
}

// bests are the networks of the members with the weights of their best epoch.
func (m *members) bests() []*engine.Net {
	nets := make([]*engine.Net, len(m.trainers))
	for i, tr := range m.trainers {
		tr.RestoreBest()
		nets[i] = tr.Net()
	}
	return nets
}

// Save writes the checkpoint of the only trainer as it is, or those of several
// one after the other, each behind its length (8 bytes, little-endian).
func (m *members) Save(w io.Writer) error {
	if len(m.trainers) == 1 {
		return m.trainers[0].Save(w)
	}
	for i, tr := range m.trainers {
		if err := writeBehindLength(w, tr.Save); err != nil {
			return m.named(i, err)
		}
	}
	return nil
}

// Load reads what Save wrote for as many trainers.
func (m *members) Load(r io.Reader) error {
	if len(m.trainers) == 1 {
		return m.trainers[0].Load(r)
	}
	for i, tr := range m.trainers {
		part, err := partOf(r)
		if err != nil {
			return m.named(i, fmt.Errorf("its checkpoint is missing: %w", err))
		}
		if err := tr.Load(part); err != nil {
			return m.named(i, err)
		}
	}
	return nil
}

// load reads a checkpoint of the trial. Behind the trial's own networks may be weights
// that others share.
func load(c *trials.Checkpoint, m trials.Keeper) error {
	model := c.Model()
	if c.Facts().Shared {
		own, err := partOf(model)
		if err != nil {
			return err
		}
		model = own
	}
	return m.Load(model)
}
