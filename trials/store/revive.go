package store

import (
	"context"
	"fmt"

	"budwood/search"
)

// Revive makes trials that only the end of their study had stopped paused ones
// again. What was measured of them and what they have spent stays.
func (s *Store) Revive(ctx context.Context, study string, trials []int) error {
	if len(trials) == 0 {
		return nil
	}
	return s.change(ctx, fmt.Sprintf("study %q: revive %d trials", study, len(trials)), func(w *writer) error {
		id, seq, err := s.touch(ctx, w, study)
		if err != nil {
			return err
		}
		for _, t := range trials {
			if err := w.exec(`UPDATE trials SET end_state = NULL, end_reason = '' WHERE study = ? AND trial = ?`, id, t); err != nil {
				return err
			}
			if err := w.exec(`UPDATE segments SET state = ?, reason = '' WHERE study = ? AND trial = ? AND state = ?`, search.Paused, id, t, search.Stopped); err != nil {
				return err
			}
			// A trial without a segment was to begin; one that has some waits at its last.
			if err := w.exec(`UPDATE trials SET target = min(target, (SELECT coalesce(max(upto), target) FROM segments WHERE study = ?1 AND trial = ?2))
				WHERE study = ?1 AND trial = ?2`, id, t); err != nil {
				return err
			}
			if err := refresh(w, id, t, seq); err != nil {
				return err
			}
		}
		return nil
	})
}

// Attempt is the number of the attempt at a segment that is on record, 0 if none
// is.
func (s *Store) Attempt(ctx context.Context, study string, trial, to int) (attempt int, err error) {
	err = s.read.QueryRowContext(ctx, `SELECT coalesce(max(g.attempt), 0) FROM segments g JOIN studies s ON s.id = g.study
		WHERE s.name = ? AND g.trial = ? AND g.upto = ?`, study, trial, to).Scan(&attempt)
	return attempt, s.fail(fmt.Sprintf("study %q: attempts at %s", study, search.TrialName(trial)), err)
}
