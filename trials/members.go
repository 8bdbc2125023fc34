package trials

import (
	"fmt"
	"io"

	"budwood/data"
	"budwood/engine"
)

// members are the trainers of a candidate: one, or with cross-validation one for
// each fold, trained on the rows of the others. They are scored on rows that
// they have not seen, so that together every row that is not for the test is
// validated once; in the end the mean of the members is the network (bagging over
// folds, as in Krogh & Vedelsby 1995).
type members struct {
	trainers  []*engine.Trainer
	folds     []data.Fold
	inherited float64     // share of the tensors that came from the parent, 0 to 1
	said      [][]float32 // what each said of its validation rows when last scored; nil: nobody asks
}

// epoch trains each member one epoch. It returns their mean loss, and the score
// on the validation rows.
func (m *members) epoch() (loss float64, score engine.Score, err error) {
	scores, rows := make([]engine.Score, len(m.trainers)), make([]int, len(m.trainers))
	for i, tr := range m.trainers {
		l, err := tr.Epoch(m.folds[i].Train)
		if err != nil {
			return 0, score, m.named(i, err)
		}
		loss += l / float64(len(m.trainers))
		if scores[i], err = m.score(i); err != nil {
			return 0, score, m.named(i, err)
		}
		rows[i] = m.folds[i].Valid.Len()
		tr.Observe(scores[i].Loss)
	}
	return loss, engine.JoinScores(scores, rows), nil
}

// score scores a member on its validation rows.
func (m *members) score(i int) (engine.Score, error) {
	tr, set := m.trainers[i], m.folds[i].Valid
	if m.said == nil {
		return tr.Evaluate(set)
	}
	if m.said[i] == nil {
		m.said[i] = make([]float32, set.Len()*tr.Net().Out().Size())
	}
	return tr.EvaluateTo(m.said[i], set)
}

func (m *members) named(i int, err error) error {
	if len(m.trainers) == 1 {
		return err
	}
	return fmt.Errorf("fold %d: %w", i, err)
}

func (m *members) keepBest() {
	for _, tr := range m.trainers {
		tr.KeepBest()
	}
}

// best is the network with the weights of the best epoch.
func (m *members) best() (*engine.Net, error) {
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
func (m *members) load(c *Checkpoint) error {
	model := c.Model()
	if c.Facts().Bank {
		own, err := partOf(model)
		if err != nil {
			return err
		}
		model = own
	}
	return m.Load(model)
}
