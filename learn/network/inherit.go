package network

import (
	"fmt"

	"budwood/engine"
	"budwood/learn"
	"budwood/search"
	"budwood/trials"
)

// child is a candidate that is to begin with its parent's weights.
type child struct {
	*members
	t *trials.Trial
}

// Score tells the share of tensors that came from the parent, too.
func (c child) Score() (search.Metrics, error) {
	values, err := c.members.Score()
	if err == nil {
		values["inherited"] = c.t.Facts().Inherited
	}
	return values, err
}

// trainChild trains a candidate that begins with the weights of its parent, if it is
// fresh.
func (s Supervised) trainChild(t *trials.Trial, parent int, fresh bool) error {
	var parents []*engine.Net
	if fresh {
		var err error
		if parents, err = s.parents(t, parent); err != nil {
			return err
		}
	}
	m, err := s.members(t.Params, t.Total(), t.Seed(), parents)
	if err != nil {
		return err
	}
	if err := t.Keep(m); err != nil {
		return err
	}
	if parents != nil { // a later attempt begins with the same weights, whatever has become of the parent
		t.Remember(trials.Facts{Inherited: m.inherited})
		if err := t.Save(); err != nil {
			return err
		}
	}
	return learn.Epochs(t, child{m, t})
}

// parent is the trial whose weights a candidate is to begin with, if any.
func (s Supervised) parent(t *trials.Task) (id int, ok bool) {
	if s.Parent == nil || !t.Inherit {
		return 0, false
	}
	return s.Parent(t.Trial.Params)
}

// parents are the trained networks of a trial, one a fold: nil if nothing usable is
// left of it.
func (s Supervised) parents(t *trials.Trial, id int) ([]*engine.Net, error) {
	c, err := t.Latest(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c == nil || c.Params() == nil {
		return nil, nil
	}
	m, err := s.members(c.Params(), 1, 0, nil)
	if err == nil {
		err = load(c, m)
	}
	if trouble := c.Trouble(); trouble != nil {
		return nil, &trials.MachineError{Err: fmt.Errorf("trial %s: read the checkpoint of its parent: %w", t.Name(), trouble)}
	}
	if err != nil { // damaged: the candidate begins like any other
		return nil, nil
	}
	return m.bests(), nil
}
