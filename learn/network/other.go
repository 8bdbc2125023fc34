package network

import (
	"context"
	"fmt"
	"math"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
)

// Other is a candidate of a study that is no network: see [Supervised.Other].
type Other interface {
	// Train is a [trials.TrainFunc].
	Train(ctx context.Context, t *trials.Trial) error
	// Outputs are what the trained candidate, at its best, says of rows, from the checkpoint of its last segment: logits of
	// the classes, or a value, as those of a network.
	Outputs(ctx context.Context, blobs blob.Store, key string, rows *data.Set) ([]float32, error)
	// Need plans its memory.
	Need() (Need, error)
}

// other is a candidate that is no network; nil for one that is.
func (s Supervised) other(p search.Params) (Other, error) {
	if s.Other == nil {
		return nil, nil
	}
	return s.Other(s, s.all(p))
}

// All are the hyperparameters of a candidate, fixed ones included.
func (s Supervised) All(p search.Params) search.Params { return s.all(p) }

// Split are the rows that candidates learn from and those that they are validated on: one pair, or one a fold.
func (s Supervised) Split() []data.Fold { return s.folds() }

// trainOther trains a candidate that is no network.
func (s Supervised) trainOther(ctx context.Context, t *trials.Trial, o Other) error {
	if ended, err := s.admit(t, Alone); ended || err != nil {
		return err
	}
	return o.Train(ctx, t)
}

// Scored are the metrics of outputs for rows, with those of [Supervised.Scores]; p are all hyperparameters of the candidate. The
// loss is that of a network: cross-entropy with the recipe's class weights, or the recipe's error of numbers.
func (s Supervised) Scored(prefix string, outputs []float32, rows *data.Set, p search.Params) search.Metrics {
	n := len(rows.Class)
	score := engine.Score{}
	if s.Data.Classes > 0 {
		weights := []float32(nil)
		if p["class_weights"] == "balanced" {
			weights = s.Data.Train.BalancedWeights()
		}
		k, total := s.Data.Classes, 0.
		for i, c := range rows.Class {
			w := 1.
			if weights != nil {
				w = float64(weights[c])
			}
			y := outputs[i*k : (i+1)*k]
			score.Loss += w * crossEntropy(y, int(c))
			total += w
		}
		score.Loss /= max(total, 1e-300)
		for i, c := range data.Argmax(outputs, k) {
			if c == rows.Class[i] {
				score.Accuracy += 1 / float64(n)
			}
		}
	} else {
		n = len(rows.Target)
		var mean, residual, spread float64
		for _, v := range rows.Target {
			mean += float64(v) / float64(n)
		}
		for i, v := range rows.Target {
			d := float64(outputs[i]) - float64(v)
			residual += d * d
			spread += (float64(v) - mean) * (float64(v) - mean)
			score.Loss += errorOf(p["loss"], d) / float64(n)
		}
		score.RMSE = math.Sqrt(residual / float64(n))
		if spread > 0 {
			score.R2 = 1 - residual/spread
		}
	}
	m := s.metrics(prefix, score)
	s.score(m, prefix, rows, outputs)
	return m
}

// crossEntropy is −log of the softmax of a class.
func crossEntropy(y []float32, class int) float64 {
	top, sum := y[0], 0.
	for _, v := range y {
		top = max(top, v)
	}
	for _, v := range y {
		sum += math.Exp(float64(v - top))
	}
	return float64(top-y[class]) + math.Log(sum)
}

// errorOf is a loss of the recipe, of one error.
func errorOf(name any, d float64) float64 {
	switch a := math.Abs(d); {
	case name == "mae":
		return a
	case name == "huber" && a < 1:
		return d * d / 2
	case name == "huber":
		return a - .5
	}
	return d * d
}

// predicted are the predictions that outputs mean.
func (s Supervised) predicted(y []float32, w int) []Prediction {
	out := make([]Prediction, len(y)/w)
	for i := range out {
		row := y[i*w : (i+1)*w]
		if s.Data.Classes == 0 {
			v := float64(row[0])*s.Data.TargetScale + s.Data.TargetMean
			out[i].Value = &v
			continue
		}
		p := softmax(row)
		best := 0
		for k := range p {
			if p[k] > p[best] {
				best = k
			}
		}
		out[i].Class, out[i].Probabilities = s.Data.ClassNames[best], p
	}
	return out
}

// PredictTrial applies a trained candidate of any kind, at its best, to the rows of a set.
func (s Supervised) PredictTrial(ctx context.Context, blobs blob.Store, key string, p search.Params, seed uint64, rows *data.Set) ([]Prediction, error) {
	predict, err := s.Predictor(ctx, blobs, key, p, seed)
	if err != nil {
		return nil, err
	}
	return predict(rows)
}

// Predictor is [Supervised.PredictTrial] for many sets of rows.
func (s Supervised) Predictor(ctx context.Context, blobs blob.Store, key string, p search.Params, seed uint64) (func(rows *data.Set) ([]Prediction, error), error) {
	o, err := s.other(p)
	if err != nil {
		return nil, err
	}
	if o != nil {
		return func(rows *data.Set) ([]Prediction, error) {
			y, err := o.Outputs(ctx, blobs, key, rows)
			if err != nil {
				return nil, err
			}
			return s.predicted(y, max(s.Data.Classes, 1)), nil
		}, nil
	}
	net, err := s.Trained(ctx, blobs, key, p, seed)
	if err != nil {
		return nil, err
	}
	return func(rows *data.Set) ([]Prediction, error) { return s.Predict(net, rows) }, nil
}

// errNoNetwork says that a trial's model is of another kind.
func errNoNetwork(p search.Params) error {
	return fmt.Errorf("its learner is %v, and it has no network", p["learner"])
}
