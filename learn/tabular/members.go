package tabular

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"budwood/data"
	"budwood/search"
	"budwood/trees"
)

// machine is a model that is being trained: boosting, a forest or a linear model.
type machine interface {
	Watch(*trees.Table, trees.Target) error
	Round() error
	TrainLoss() float64
	Margins() []float64
	Model() *trees.Model
	KeepBest()
	Save(io.Writer) error
	Load(io.Reader) error
}

// members are the models of a candidate: one, or with cross-validation one for each fold, each scored on rows that it has not
// seen. They are a [learn.Learner].
type members struct {
	*Candidate
	folds    []data.Fold
	machines []machine
}

// members builds the models of a candidate, without training. Every error is of the candidate.
func (c *Candidate) members(seed uint64) (*members, error) {
	m := &members{Candidate: c, folds: c.s.Split()}
	for i, f := range m.folds {
		y, err := c.target(f.Train)
		if err != nil {
			return nil, err
		}
		one, err := c.machine(c.layout.Table(f.Train), y, seed+uint64(i))
		if err != nil {
			return nil, m.named(i, err)
		}
		if y, err = c.target(f.Valid); err == nil {
			err = one.Watch(c.layout.Table(f.Valid), y)
		}
		if err != nil {
			return nil, m.named(i, err)
		}
		m.machines = append(m.machines, one)
	}
	return m, nil
}

// machine is a model of the candidate's kind for training rows.
func (c *Candidate) machine(t *trees.Table, y trees.Target, seed uint64) (machine, error) {
	switch c.learner {
	case Forest:
		of := c.forest
		of.Seed = seed
		return trees.NewForest(of, t, y)
	case Linear:
		return trees.NewLinear(c.linear, t, y)
	}
	of := c.boost
	of.Seed, of.Threads = seed, max(c.s.Mesh.Threads, 1)
	return trees.NewBooster(of, t, y)
}

// named says in which fold an error was.
func (m *members) named(i int, err error) error {
	if len(m.folds) == 1 {
		return err
	}
	return fmt.Errorf("fold %d: %w", i, err)
}

// Epoch implements [learn.Learner].
func (m *members) Epoch() error {
	for i, one := range m.machines {
		for range m.rounds {
			if err := one.Round(); err != nil {
				return m.named(i, err)
			}
		}
	}
	return nil
}

// Score implements [learn.Learner].
func (m *members) Score() (search.Metrics, error) {
	var outputs []float32
	var rows data.Set
	train := 0.
	for i, one := range m.machines {
		outputs = append(outputs, m.outputs(one.Model(), one.Margins())...)
		valid := m.folds[i].Valid
		rows.Class, rows.Target = append(rows.Class, valid.Class...), append(rows.Target, valid.Target...)
		train += one.TrainLoss() / float64(len(m.machines))
	}
	values := m.s.Scored("valid_", outputs, &rows, m.p)
	values["train_loss"] = train
	return values, nil
}

// KeepBest implements [learn.Learner].
func (m *members) KeepBest() {
	for _, one := range m.machines {
		one.KeepBest()
	}
}

// Size implements [learn.Learner]: as parameters the thresholds and values of all trees, or the weights; as operations for a
// row the splits that it passes, or the products.
func (m *members) Size() search.Metrics {
	params, macs := 0, 0
	for _, one := range m.machines {
		of := one.Model()
		n := of.Leaves()
		params += n*(of.Width+1) - len(of.Trees) + len(of.Weights)
		macs += of.Splits() + len(of.Weights)
	}
	return search.Metrics{"params": float64(params), "macs": float64(macs)}
}

// Save implements [learn.Learner]: the models behind each other, each behind its length (8 bytes, little-endian).
func (m *members) Save(w io.Writer) error {
	for i, one := range m.machines {
		var b bytes.Buffer
		err := one.Save(&b)
		if err == nil {
			err = binary.Write(w, binary.LittleEndian, int64(b.Len()))
		}
		if err == nil {
			_, err = w.Write(b.Bytes())
		}
		if err != nil {
			return m.named(i, err)
		}
	}
	return nil
}

// Load reads what Save wrote of as many models.
func (m *members) Load(r io.Reader) error {
	for i, one := range m.machines {
		part, err := partOf(r)
		if err == nil {
			err = one.Load(part)
		}
		if err != nil {
			return m.named(i, err)
		}
	}
	return nil
}
