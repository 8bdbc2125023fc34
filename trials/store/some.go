package store

import (
	"context"
	"database/sql"
	"fmt"

	"budwood/search"
)

// Latest returns the n trials of a study with the highest numbers, by number.
func (s *Store) Latest(ctx context.Context, study string, n int) ([]search.Record, error) {
	return s.some(ctx, "latest trials", study, `trial > (SELECT max(trial) FROM trials WHERE study = ?1) - ?2`, n)
}

// Sample returns about n trials of a study, evenly spread over their numbers, all
// of them if there are fewer: what statistics of a large study need.
func (s *Store) Sample(ctx context.Context, study string, n int) ([]search.Record, error) {
	const last = `(SELECT max(trial) FROM trials WHERE study = ?1)`
	return s.some(ctx, "sample of trials", study, `trial IN (WITH RECURSIVE k(x) AS
		(SELECT 0 UNION ALL SELECT x + 1 + `+last+` / ?2 FROM k WHERE x < `+last+`) SELECT x FROM k)`, n)
}

// At returns one trial.
func (s *Store) At(ctx context.Context, study string, trial int) (search.Record, error) {
	list, err := s.some(ctx, search.TrialName(trial), study, `trial = ?2`, trial)
	if err == nil && len(list) == 0 {
		err = s.fail(fmt.Sprintf("study %q: %s", study, search.TrialName(trial)), ErrNoTrial)
	}
	if err != nil {
		return search.Record{}, err
	}
	return list[0], nil
}

// Workers are the names of those that trained a trial, by epoch: none while its
// first segment runs.
func (s *Store) Workers(ctx context.Context, study string, trial int) ([]string, error) {
	names, err := texts(ctx, s.read, `SELECT worker FROM segments WHERE study = (SELECT id FROM studies WHERE name = ?) AND trial = ? AND worker <> ''
		GROUP BY worker ORDER BY min(upto)`, study, trial)
	return names, s.fail(fmt.Sprintf("study %q: workers of %s", study, search.TrialName(trial)), err)
}

// some returns the trials of a study for which a condition holds, in which the
// study's id is ?1 and n is ?2.
func (s *Store) some(ctx context.Context, what, study, condition string, n int) ([]search.Record, error) {
	var out []search.Record
	err := s.snapshot(ctx, func(tx *sql.Tx) error {
		st, id, err := s.study(ctx, tx, study)
		if err == nil {
			out, err = load(ctx, tx, st.Space, `study = ?1 AND `+condition, id, n)
		}
		return err
	})
	return out, s.fail(fmt.Sprintf("study %q: %s", study, what), err)
}
