package trials

import (
	"fmt"

	"budwood/engine"
)

// parent is the trial whose weights a candidate is to begin with, if any.
func (s Supervised) parent(t *Task) (id int, ok bool) {
	if s.Parent == nil || !t.Inherit {
		return 0, false
	}
	return s.Parent(t.Trial.Params)
}

// parents are the trained networks of a trial, one a fold: nil if nothing usable is
// left of it.
func (s Supervised) parents(t *Trial, id int) ([]*engine.Net, error) {
	c, err := t.Latest(id)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if c == nil || c.Params() == nil {
		return nil, nil
	}
	m, _, err := s.members(c.Params(), 1, 0, nil)
	if err == nil {
		err = m.load(c)
	}
	if trouble := c.Trouble(); trouble != nil {
		return nil, &MachineError{fmt.Errorf("trial %s: read the checkpoint of its parent: %w", t.Name(), trouble)}
	}
	if err != nil { // damaged: the candidate begins like any other
		return nil, nil
	}
	return m.bests(), nil
}
