package network

import (
	"errors"

	"budwood/engine"
	"budwood/search"
	"budwood/trials"
)

// choose is the mesh of a candidate that is the program's to choose: the fastest with
// which the trial has room. Where none has, it is one lane, and what does not fit is
// said elsewhere.
func (s Supervised) choose(p search.Params, role Role) (engine.Mesh, *engine.Choice, error) {
	given, alone := s.Mesh, s
	alone.Mesh = oneLane(given)
	room := int64(0)
	if s.Room.Bytes > 0 {
		n, err := alone.Need(p, role)
		if err != nil {
			return alone.Mesh, nil, err
		}
		folds := int64(len(s.folds()))
		rows := int64(s.folds()[0].Train.Len())
		if room = (s.Room.Bytes-(n.Total()-n.Networks))/folds - 4*rows; room <= 0 {
			return alone.Mesh, nil, nil
		}
	}
	c, err := s.search(p, room)
	switch {
	case errors.Is(err, engine.ErrNoFit):
		return alone.Mesh, nil, nil
	case err != nil:
		return alone.Mesh, nil, err
	}
	for _, f := range s.folds() {
		c.Epoch += c.Best.Epoch(f.Train.Len(), f.Valid.Len())
	}
	return c.Best.Mesh, c, nil
}

// oneLane is a mesh that is the program's to choose with the least memory.
func oneLane(m engine.Mesh) engine.Mesh {
	if !m.Auto {
		return m
	}
	return engine.Mesh{Data: max(m.Data, 1), MicroBatches: m.MicroBatches, Tensor: m.Tensor, Threads: 1, Lane: m.Lane, Idle: m.Idle, Recompute: m.Recompute}
}

// search searches the mesh of one network of a candidate, for so many bytes; 0: any.
func (s Supervised) search(p search.Params, room int64) (*engine.Choice, error) {
	l, c, t, err := s.described(p)
	if err != nil {
		return nil, err
	}
	return engine.SearchMesh(l, s.folds()[0].Train.Shape, c, t, s.Mesh.Machine, s.Mesh.Threads, room)
}

// described is one network of a candidate, and how it is compiled and trained.
func (s Supervised) described(p search.Params) (l engine.Layer, c engine.Config, t engine.TrainConfig, err error) {
	train := s.folds()[0].Train
	recipe, err := ReadRecipe(s.all(p))
	if err != nil {
		return nil, c, t, err
	}
	if l, err = s.Build(s.all(p), train.Shape, max(s.Data.Classes, train.Outputs)); err != nil {
		return nil, c, t, err
	}
	c, t = recipe.network(train, 0), recipe.config(1, 0)
	t.Mesh = s.Mesh
	return l, c, t, nil
}

// Forecast says what the training of a candidate takes: its steps, and the seconds of an
// epoch of all its networks. A mesh that is the program's to choose is chosen, and told.
func (s Supervised) Forecast(p search.Params) (of *engine.Prediction, chosen *engine.Choice, epoch float64, err error) {
	if s.Mesh.Auto {
		if s.Mesh, chosen, err = s.choose(p, Alone); err != nil {
			return nil, nil, 0, err
		}
	}
	l, c, t, err := s.described(p)
	if err != nil {
		return nil, nil, 0, err
	}
	if n := t.Mesh.Ranks.Min; n > 1 { // more of a range need less and are faster
		t.Mesh.World = &engine.World{Ranks: n}
	}
	if of, err = engine.Predict(l, s.folds()[0].Train.Shape, c, t, s.Mesh.Machine); err != nil {
		return nil, nil, 0, err
	}
	for _, f := range s.folds() {
		epoch += of.Epoch(f.Train.Len(), f.Valid.Len())
	}
	return of, chosen, epoch, nil
}

// measured tells what the steps of a trial have taken, if several ranks or threads shared
// them, beside what is predicted.
func (s Supervised) measured(t *trials.Trial, m *members) {
	if s.Mesh.World == nil && s.Mesh.Threads < 2 || len(m.trainers) != 1 {
		return
	}
	l, c, cfg, err := s.described(t.Params)
	var predicted *engine.Prediction
	if err == nil {
		predicted, err = engine.Predict(l, s.folds()[0].Train.Shape, c, cfg, s.Mesh.Machine)
	}
	if err != nil { // it was trained: what is measured counts
		predicted = nil
	}
	t.Measured(m.trainers[0], predicted)
}
