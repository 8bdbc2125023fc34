package tabular

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"budwood/data"
	"budwood/learn"
	"budwood/learn/network"
	"budwood/search"
	"budwood/trees"
	"budwood/trials"
	"budwood/trials/blob"
)

// Candidate is a candidate of a study that is no network. It is a [network.Other].
type Candidate struct {
	settings
	s      network.Supervised
	p      search.Params
	layout trees.Layout
}

var _ network.Other = (*Candidate)(nil)

// Of is the candidate of these hyperparameters; nil if its learner is a network. Texts have networks only.
func Of(s network.Supervised, p search.Params) (network.Other, error) {
	if v, ok := p[Key]; !ok || v == Network {
		return nil, nil
	}
	c, err := newCandidate(s, p)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func newCandidate(s network.Supervised, p search.Params) (*Candidate, error) {
	c := &Candidate{s: s, p: p}
	var err error
	if c.settings, err = read(p); err != nil {
		return nil, err
	}
	train := s.Data.Train
	if train.Labels() > 1 || train.Classes == 0 && train.Outputs != 1 {
		return nil, fmt.Errorf("%s: %s is for rows with one class or one number each; this data is for networks", Key, c.learner)
	}
	c.boost.Classes, c.forest.Classes, c.linear.Classes = s.Data.Classes, s.Data.Classes, s.Data.Classes
	if s.Data.Classes == 0 {
		switch {
		case c.loss != "auto":
			c.boost.Loss = c.loss
		case c.of == "mae":
			c.boost.Loss = "absolute"
		}
	}
	c.layout, err = trees.LayoutOf(s.Data.Preparation, train.Shape.Size())
	return c, err
}

// Train implements [network.Other].
func (c *Candidate) Train(_ context.Context, t *trials.Trial) error {
	m, err := c.members(t.Seed())
	if err != nil {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	}
	return learn.Run(t, m)
}

// target is what the rows of a set are to be predicted as.
func (c *Candidate) target(s *data.Set) (trees.Target, error) {
	if s.Classes == 0 {
		if !c.counts() {
			return trees.Target{Value: s.Target}, nil
		}
		y := trees.Target{Value: make([]float32, len(s.Target))}
		for i, v := range s.Target {
			count := float64(v)*c.s.Data.TargetScale + c.s.Data.TargetMean
			if count < -1e-4*c.s.Data.TargetScale {
				return y, fmt.Errorf("tree_loss: poisson is for targets from 0 on, and there is %s", search.FormatNumber(count))
			}
			y.Value[i] = float32(max(count, 0))
		}
		return y, nil
	}
	y := trees.Target{Class: s.Class}
	if c.balanced {
		of := c.s.Data.Train.BalancedWeights()
		y.Weight = make([]float32, len(s.Class))
		for i, k := range s.Class {
			y.Weight[i] = of[k]
		}
	}
	return y, nil
}

// counts reports whether targets are in their own unit, not standardised.
func (c *Candidate) counts() bool { return c.learner == Boosting && c.boost.Loss == "poisson" }

// outputs are those of a network for the margins of a model: logits, or standardised values.
func (c *Candidate) outputs(m *trees.Model, margins []float64) []float32 {
	out := make([]float32, 0, len(margins)/m.Outputs*m.Predictions())
	for _, v := range margins {
		switch {
		case m.Loss == "logistic":
			out = append(out, 0, float32(v))
		case m.Kind == "forest" && m.Classes > 0:
			n := float64(len(m.Trees))
			out = append(out, float32(math.Log((v*n+1/float64(m.Classes))/(n+1))))
		case m.Loss == "poisson":
			out = append(out, float32((math.Exp(min(v, 700))-c.s.Data.TargetMean)/c.s.Data.TargetScale))
		default:
			out = append(out, float32(v))
		}
	}
	return out
}

// Models are the trained models at their best, one a fold, from the checkpoint of a trial's last segment.
func (c *Candidate) Models(ctx context.Context, blobs blob.Store, key string) ([]*trees.Model, error) {
	k, err := trials.OpenCheckpoint(ctx, blobs, key)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	var out []*trees.Model
	r := k.Model()
	for i := range c.s.Split() {
		part, err := partOf(r)
		var m *trees.Model
		if err == nil {
			m, err = trees.LoadBest(part)
		}
		if err != nil {
			return nil, fmt.Errorf("model %d: %w", i, err)
		}
		if len(m.Columns) != len(c.layout) {
			return nil, fmt.Errorf("model %d has %d columns, the data has %d", i, len(m.Columns), len(c.layout))
		}
		out = append(out, m)
	}
	return out, nil
}

// Mean is one model with the mean of the outputs of the trained models.
func (c *Candidate) Mean(ctx context.Context, blobs blob.Store, key string) (*trees.Model, error) {
	models, err := c.Models(ctx, blobs, key)
	if err != nil {
		return nil, err
	}
	return trees.Mean(models...)
}

// Outputs implements [network.Other]: the mean of the outputs of the models.
func (c *Candidate) Outputs(ctx context.Context, blobs blob.Store, key string, rows *data.Set) ([]float32, error) {
	models, err := c.Models(ctx, blobs, key)
	if err != nil {
		return nil, err
	}
	table := c.layout.Table(rows)
	var sum []float64
	for _, m := range models {
		f, err := m.Margins(table.X)
		if err != nil {
			return nil, err
		}
		if sum == nil {
			sum = make([]float64, len(f))
		}
		for i, v := range f {
			sum[i] += v / float64(len(models))
		}
	}
	return c.outputs(models[0], sum), nil
}

// Need implements [network.Other].
func (c *Candidate) Need() (network.Need, error) {
	n := network.Need{Data: c.s.Data.Bytes()}
	w, k := int64(len(c.layout)), int64(max(c.s.Data.Classes, 1))
	for _, f := range c.s.Split() {
		rows, valid := int64(f.Train.Len()), int64(f.Valid.Len())
		cells := rows + valid
		switch c.learner {
		case Linear:
			width := int64(0)
			for _, c := range c.layout {
				width += int64(max(c.Levels, 1))
			}
			n.Networks += 4*cells*w + 4*rows*width
		default: // numbers, their bins, gradients, and the rows in the order of the leaves
			n.Networks += 4*cells*w + cells*(w+3)/4*4 + 48*rows
		}
		n.Kept += 8 * cells * k * 2
	}
	return n, nil
}

// maxPart bounds what is read of a checkpoint, in bytes.
const maxPart = 1 << 34

// partOf is what [members.Save] wrote of one model: a length (8 bytes, little-endian) and as many bytes.
func partOf(r io.Reader) (io.Reader, error) {
	var n int64
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, fmt.Errorf("its checkpoint is missing: %w", err)
	}
	if n < 0 || n > maxPart {
		return nil, errors.New("its checkpoint is damaged")
	}
	b, err := io.ReadAll(io.LimitReader(r, n))
	if err == nil && int64(len(b)) != n {
		err = io.ErrUnexpectedEOF
	}
	return bytes.NewReader(b), err
}
