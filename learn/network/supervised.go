package network

import (
	"context"
	"fmt"
	"maps"
	"math"

	"budwood/data"
	"budwood/engine"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
	"budwood/trials/segment"
)

// Supervised trains networks on a data set: the built-in objective of studies
// with data. It reports train_loss, valid_loss, and valid_accuracy or
// valid_rmse and valid_r2, of texts valid_perplexity too; params and macs are the network's size. With
// cross-validation ([data.Data.Folds]) a candidate is a network for each fold,
// of other initial weights: the validation metrics are over the rows of all folds,
// each row evaluated by the network that has not seen it, the trained network is the
// mean of those of the folds, and its size the sum of theirs.
type Supervised struct {
	Data  *data.Data
	Fixed search.Params // hyperparameters that are not searched
	Mesh  engine.Mesh   // pieces and threads of a training step
	// Build describes the network of a candidate, for samples of a shape and so
	// many outputs. An error makes the candidate infeasible.
	Build func(p search.Params, in data.Shape, outputs int) (engine.Layer, error)

	// Scores are further metrics to report: balanced_accuracy, f1 (macro average), auc
	// (of two classes) and mae. With cross-validation they are over the rows of all
	// folds together.
	Scores []string

	// Parent is the trial of the same study that a candidate comes from, if it is to
	// begin with that trial's weights; Inherit gives them to its network and returns
	// the share of tensors that took over some. A candidate that asks for it reports
	// this share as inherited: 0 if nothing of the parent is left. Parent may be nil.
	Parent  func(p search.Params) (trial int, ok bool)
	Inherit func(child, parent *engine.Net) (share float64, err error)

	// Supernet makes the weights that all candidates share, for tasks that ask for
	// it; nil: there are none.
	Supernet func() Supernet

	// Teach has the outputs of a trained network for the rows of Data.Train, as an
	// instruction set computes them; nil: networks learn from the labels alone.
	Teach func(ctx context.Context, cpu string) ([]float32, error)

	// Plan makes the study one that makes a trained network smaller; nil: candidates are
	// networks of their own.
	Plan *Compression
	// Clock is what predictions of latency_us and inference_mwh are made from, which are then
	// reported, and size_bytes; nil: they are not.
	Clock *Clock

	// Other is a candidate of these hyperparameters, all of them, that is no network; nil, or a nil result: it is one.
	Other func(s Supervised, all search.Params) (Other, error)

	// Room is the memory that a trial may take. One that is planned to take more is
	// infeasible.
	Room Room
	// Version is that of the data, if it is known.
	Version segment.Version

	cpu string // the trial's instruction set; "": the best here
}

// BuildOf builds the network of one candidate for all others.
func (s Supervised) BuildOf(p search.Params) func(search.Params, data.Shape, int) (engine.Layer, error) {
	return func(_ search.Params, in data.Shape, outputs int) (engine.Layer, error) {
		return s.Build(s.all(p), in, outputs)
	}
}

// Train trains one candidate. It is a [trials.TrainFunc].
func (s Supervised) Train(ctx context.Context, t *trials.Trial) error {
	t.TrainedBy(s.Version)
	if o, err := s.other(t.Params); err != nil {
		return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
	} else if o != nil {
		return s.trainOther(ctx, t, o)
	}
	s.cpu = t.Kernels(s.all(t.Params)["precision"] == "bfloat16")
	s.Mesh = t.Metered(s.Mesh)
	task := t.Task()
	parent, inherits := s.parent(&task)
	fresh := inherits && !t.Resumed() // else it has gone on from there already
	role := s.role(&task, fresh)
	if s.Mesh.Auto {
		var c *engine.Choice
		var err error
		if s.Mesh, c, err = s.choose(t.Params, role); err != nil {
			return fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
		}
		if c != nil {
			t.Chosen(c)
		}
	}
	if ended, err := s.admit(t, role); ended || err != nil {
		return err
	}
	if err := s.lend(t.Params, role); err != nil {
		return err
	}
	s, err := s.taught(ctx)
	if err != nil {
		return err
	}
	switch {
	case role == Sharing:
		return s.trainSupernet(t)
	case role == Evaluated:
		return s.evaluate(t)
	case inherits:
		return s.trainChild(t, parent, fresh)
	case s.Plan != nil:
		return s.trainPlan(ctx, t)
	}
	m, err := s.members(t.Params, t.Total(), t.Seed(), nil)
	if err != nil {
		return err
	}
	if err := learn.Run(t, m); err != nil {
		return err
	}
	s.measured(t, m)
	return nil
}

// all are the hyperparameters of a candidate, fixed ones included.
func (s Supervised) all(p search.Params) search.Params {
	all := search.Params{}
	maps.Copy(all, s.Fixed)
	maps.Copy(all, p)
	return all
}

// Test evaluates a trained candidate on the test set, with the weights of its
// best epoch, from the checkpoint of its last segment.
func (s Supervised) Test(ctx context.Context, blobs blob.Store, key string, p search.Params, seed uint64) (search.Metrics, error) {
	if s.Data.Test == nil { // the split has no test part
		return nil, nil
	}
	if n, err := s.Need(p, Alone); err == nil {
		if err := s.Room.over(n); err != nil {
			return nil, err
		}
	}
	if o, err := s.other(p); err != nil {
		return nil, err
	} else if o != nil {
		y, err := o.Outputs(ctx, blobs, key, s.Data.Test)
		if err != nil {
			return nil, err
		}
		return s.Scored("test_", y, s.Data.Test, s.all(p)), nil
	}
	net, err := s.Trained(ctx, blobs, key, p, seed)
	if err != nil {
		return nil, err
	}
	test := s.Data.Test
	if n, ok := net.(*engine.Net); ok {
		n.Borrow(s.Mesh.Idle, 0)
	}
	var outputs []float32
	if len(s.Scores) > 0 {
		outputs = make([]float32, test.Len()*net.Out().Size())
	}
	score, err := net.EvaluateTo(outputs, test)
	if err != nil {
		return nil, err
	}
	values := s.metrics("test_", score)
	s.score(values, "test_", test, outputs)
	if s.Plan != nil {
		err = s.TestPlan(ctx, net, values)
	}
	return values, err
}

// Trained is the network of a trained candidate with the weights of its best
// epoch, from the checkpoint of its last segment.
func (s Supervised) Trained(ctx context.Context, blobs blob.Store, key string, p search.Params, seed uint64) (Net, error) {
	if o, err := s.other(p); err != nil {
		return nil, err
	} else if o != nil {
		return nil, errNoNetwork(s.all(p))
	}
	s.Mesh = oneLane(s.Mesh)
	build := func() (trained, error) { return s.members(p, 1, seed, nil) }
	if s.Plan != nil {
		build = func() (trained, error) { return s.compressed(p, 1, seed) }
	}
	m, err := build()
	if err != nil {
		return nil, err
	}
	c, err := trials.OpenCheckpoint(ctx, blobs, key)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := load(c, m); err != nil {
		return nil, err
	}
	return m.best()
}

// trained is what a trial has trained.
type trained interface {
	trials.Keeper
	best() (Net, error)
}

// members builds a candidate's networks and their trainers, with the weights of
// parents if there are any. Every error is of the candidate.
func (s Supervised) members(p search.Params, epochs int, seed uint64, parents []*engine.Net) (*members, error) {
	m := &members{s: s, folds: s.folds()}
	if len(s.Scores) > 0 {
		m.outputs = make([][]float32, len(m.folds))
	}
	for i, f := range m.folds {
		var parent *engine.Net
		if len(parents) == len(m.folds) {
			parent = parents[i]
		}
		tr, share, err := s.trainer(p, f.Train, epochs, seed+uint64(i), parent)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", trials.ErrInfeasible, err)
		}
		m.inherited += share / float64(len(m.folds))
		m.trainers = append(m.trainers, tr)
		cost := tr.Net().Cost()
		m.cost.Params += cost.Params
		m.cost.MACs += cost.MACs
		if s.Clock != nil {
			of, err := s.Clock.costs(tr.Net())
			if err != nil {
				return nil, err
			}
			m.add(of)
		}
	}
	return m, nil
}

// trainer builds a network and its trainer for a training set. The network has
// taken over a share of its tensors from the parent, if there is one.
func (s Supervised) trainer(p search.Params, train *data.Set, epochs int, seed uint64, parent *engine.Net) (tr *engine.Trainer, share float64, err error) {
	net, recipe, err := s.compile(p, train, seed)
	if err != nil {
		return nil, 0, err
	}
	if parent != nil {
		if share, err = s.Inherit(net, parent); err != nil {
			return nil, 0, err
		}
	}
	c := recipe.config(epochs, seed)
	c.Mesh = s.Mesh
	tr, err = engine.NewTrainer(net, c)
	return tr, share, err
}

// compile builds a candidate's network for a training set.
func (s Supervised) compile(p search.Params, train *data.Set, seed uint64) (net *engine.Net, recipe Recipe, err error) {
	all := s.all(p)
	if recipe, err = ReadRecipe(all); err != nil {
		return nil, recipe, err
	}
	in, outputs := train.Shape, max(s.Data.Classes, train.Outputs)
	layer, err := s.Build(all, in, outputs)
	if err != nil {
		return nil, recipe, err
	}
	if layer != nil {
		if _, err = layer.Infer(in); err != nil { // which says more plainly than Compile what does not fit
			return nil, recipe, err
		}
	}
	cfg := recipe.network(train, seed)
	cfg.CPU = s.cpu
	net, err = engine.Compile(layer, in, cfg)
	return net, recipe, err
}

func (s Supervised) metrics(prefix string, score engine.Score) search.Metrics {
	m := search.Metrics{prefix + "loss": score.Loss}
	if s.Data.Classes > 0 {
		m[prefix+"accuracy"] = score.Accuracy
		if len(s.Data.Train.Class) > s.Data.Train.Len() { // a class for each step: a language model
			m[prefix+"perplexity"] = math.Exp(min(score.Loss, 700))
		}
	} else {
		m[prefix+"rmse"], m[prefix+"r2"] = score.RMSE*s.Data.TargetScale, score.R2 // in the target's own unit
	}
	return m
}
