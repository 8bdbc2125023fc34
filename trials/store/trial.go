package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"budwood/search"
)

// Add stores new trials, each in the state running, and returns them as they are
// in the store: one whose number exists already (proposed before a crash, say)
// is returned as it was added then.
func (s *Store) Add(ctx context.Context, study string, trials []search.Trial) ([]search.Trial, error) {
	operation := fmt.Sprintf("study %q: add trials", study)
	params := make([]string, len(trials))
	for i, t := range trials {
		b, err := json.Marshal(t.Params)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", operation, t.Name(), err)
		}
		if t.ID < 0 {
			return nil, fmt.Errorf("%s: %d is not the number of a trial", operation, t.ID)
		}
		params[i] = string(b)
	}
	stored := make([]search.Trial, len(trials))
	err := s.change(ctx, operation, func(w *writer) error {
		id, seq, err := s.touch(ctx, w, study)
		if err != nil {
			return err
		}
		space, err := spaceOf(w, id)
		if err != nil {
			return err
		}
		for i, t := range trials {
			if err := w.exec(`INSERT INTO trials (study, trial, params, source, state, changed) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT (study, trial) DO NOTHING`, id, t.ID, params[i], t.Source, search.Running, seq); err != nil {
				return err
			}
			var p string
			stored[i].ID = t.ID
			if err := w.row(`SELECT params, source FROM trials WHERE study = ? AND trial = ?`, id, t.ID).Scan(&p, &stored[i].Source); err != nil {
				return err
			}
			if stored[i].Params, err = readParams(p, space); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

// Resume says that a paused trial is trained on, up to a larger budget: it is
// running again until that segment's report. The reason is shown meanwhile. A
// trial that ended or has reached that budget stays as it is.
func (s *Store) Resume(ctx context.Context, study string, trial, budget int, reason string) error {
	operation := fmt.Sprintf("study %q: resume %s", study, search.TrialName(trial))
	return s.change(ctx, operation, func(w *writer) error {
		return s.update(ctx, w, study, trial, `UPDATE trials SET target = ?3, target_reason = ?4 WHERE study = ?1 AND trial = ?2 AND target < ?3`, budget, reason)
	})
}

// End gives a trial that is paused or running its final state. A trial that
// ended already stays as it is: it ends once. A segment reported afterwards
// still counts its energy and its measurements.
func (s *Store) End(ctx context.Context, study string, trial int, state search.State, reason string) error {
	operation := fmt.Sprintf("study %q: end %s", study, search.TrialName(trial))
	if !state.Ended() {
		return fmt.Errorf("%s: %q is not a final state", operation, state)
	}
	return s.change(ctx, operation, func(w *writer) error {
		return s.update(ctx, w, study, trial, `UPDATE trials SET end_state = ?3, end_reason = ?4 WHERE study = ?1 AND trial = ?2 AND end_state IS NULL`, state, reason)
	})
}

// update changes one row of trials and what follows from it. The query's first
// two arguments are the study's id and the trial.
func (s *Store) update(ctx context.Context, w *writer, study string, trial int, query string, args ...any) error {
	id, seq, err := s.touch(ctx, w, study)
	if err != nil {
		return err
	}
	changed, err := w.count(query, append([]any{id, trial}, args...)...)
	if err != nil {
		return err
	}
	if changed == 0 {
		return haveTrial(w, id, trial)
	}
	return refresh(w, id, trial, seq)
}

// touch returns a study's id and a new number for what changes in it.
func (s *Store) touch(ctx context.Context, w *writer, study string) (id, seq int64, err error) {
	err = w.row(`UPDATE studies SET seq = seq + 1 WHERE name = ? RETURNING id, seq`, study).Scan(&id, &seq)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.noStudy(ctx, study)
	}
	return id, seq, err
}

func haveTrial(w *writer, study int64, trial int) error {
	var n int
	err := w.row(`SELECT count(*) FROM trials WHERE study = ? AND trial = ?`, study, trial).Scan(&n)
	if err == nil && n == 0 {
		err = ErrNoTrial
	}
	return err
}

func spaceOf(w *writer, study int64) (search.Space, error) {
	var column string
	var space search.Space
	if err := w.row(`SELECT space FROM studies WHERE id = ?`, study).Scan(&column); err != nil {
		return nil, err
	}
	err := decode(column, &space)
	return space, err
}

// readParams reads stored params and gives every value its dimension's type.
// Params that do not fit the space (it was changed since) keep JSON's types.
func readParams(column string, space search.Space) (search.Params, error) {
	var p search.Params
	if err := json.Unmarshal([]byte(column), &p); err != nil {
		return nil, fmt.Errorf("params: %w", err)
	}
	if typed, err := space.Check(p, search.ArchitectureKey); err == nil {
		return typed, nil
	}
	return p, nil
}
