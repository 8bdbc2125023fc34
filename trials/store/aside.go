package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"budwood/search"
)

// SetAside says why trials of a study do not count; "" says that they do again.
// They stay on record, and in lists, but none is the best. It returns those
// for which that is new. The best of a study that has ended is found anew.
func (s *Store) SetAside(ctx context.Context, study string, trials []int, why string) (changed []int, err error) {
	err = s.change(ctx, fmt.Sprintf("study %q: set trials aside", study), func(w *writer) error {
		changed = nil
		id, seq, err := s.touch(ctx, w, study)
		if err != nil {
			return err
		}
		for _, t := range trials {
			var had sql.NullString
			err := w.row(`SELECT aside FROM trials WHERE study = ? AND trial = ?`, id, t).Scan(&had)
			if errors.Is(err, sql.ErrNoRows) {
				err = fmt.Errorf("%s: %w", search.TrialName(t), ErrNoTrial)
			}
			if err != nil {
				return err
			}
			if had.String == why {
				continue
			}
			if had.Valid != (why != "") {
				changed = append(changed, t)
			}
			if err := w.exec(`UPDATE trials SET aside = ? WHERE study = ? AND trial = ?`, sql.NullString{String: why, Valid: why != ""}, id, t); err != nil {
				return err
			}
			if err := refresh(w, id, t, seq); err != nil {
				return err
			}
		}
		return w.exec(`UPDATE studies SET best = (SELECT trial FROM trials WHERE study = studies.id AND loss IS NOT NULL ORDER BY loss, trial LIMIT 1)
			WHERE id = ? AND ended IS NOT NULL`, id)
	})
	return changed, err
}

// LastSegments are the budgets up to which the last segments of trials were to
// train: their checkpoints are called by them.
func (s *Store) LastSegments(ctx context.Context, study string, trials []int) (map[int]int, error) {
	out := make(map[int]int, len(trials))
	for _, t := range trials {
		var to sql.NullInt64
		err := s.read.QueryRowContext(ctx, `SELECT max(upto) FROM segments WHERE study = (SELECT id FROM studies WHERE name = ?) AND trial = ?`, study, t).Scan(&to)
		if err != nil {
			return nil, s.fail(fmt.Sprintf("study %q: last segments", study), err)
		}
		if to.Valid {
			out[t] = int(to.Int64)
		}
	}
	return out, nil
}

// Aside are the trials of a study that are set aside, by number.
func (s *Store) Aside(ctx context.Context, study string) ([]int, error) {
	out, err := s.aside(ctx, study)
	return out, s.fail(fmt.Sprintf("study %q: trials set aside", study), err)
}

func (s *Store) aside(ctx context.Context, study string) ([]int, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT trial FROM trials WHERE study = (SELECT id FROM studies WHERE name = ?) AND aside IS NOT NULL ORDER BY trial`, study)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []int
	for rows.Next() {
		var t int
		if err := rows.Scan(&t); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}
