package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// SaveState keeps what a study goes on from if it is submitted again with a
// larger budget.
func (s *Store) SaveState(ctx context.Context, study string, carry json.RawMessage) error {
	return s.change(ctx, fmt.Sprintf("study %q: keep its state", study), func(w *writer) error {
		n, err := w.count(`UPDATE studies SET carry = ? WHERE name = ?`, text(carry), study)
		if err == nil && n == 0 {
			err = s.noStudy(ctx, study)
		}
		return err
	})
}

// SavedState is what was kept by [Store.SaveState], nil if nothing was.
func (s *Store) SavedState(ctx context.Context, study string) (json.RawMessage, error) {
	var kept sql.NullString
	err := s.read.QueryRowContext(ctx, `SELECT carry FROM studies WHERE name = ?`, study).Scan(&kept)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.noStudy(ctx, study)
	}
	return raw(kept), s.fail(fmt.Sprintf("study %q: its state", study), err)
}

// Reopen makes a study running again, with a new specification, and returns
// what was kept by [Store.SaveState], nil if nothing was. A study that runs
// already is only given the specification.
func (s *Store) Reopen(ctx context.Context, study string, spec json.RawMessage) (carry json.RawMessage, err error) {
	var kept sql.NullString
	err = s.change(ctx, fmt.Sprintf("reopen study %q", study), func(w *writer) error {
		n, err := w.count(`UPDATE studies SET spec = ?, state = ?, reason = '', best = NULL, test = NULL, tested = NULL, ended = NULL WHERE name = ?`,
			text(spec), StudyRunning, study)
		if err == nil && n == 0 {
			return s.noStudy(ctx, study)
		}
		if err != nil {
			return err
		}
		return w.row(`SELECT carry FROM studies WHERE name = ?`, study).Scan(&kept)
	})
	return raw(kept), err
}
