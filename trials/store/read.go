package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"

	"budwood/search"
	"budwood/trials/segment"
)

// Records returns all trials of a study, by number: what samplers see. Only
// trials that changed since the last call are read from the file. The records'
// params and measurements are shared with later calls: do not change them.
func (s *Store) Records(ctx context.Context, study string) ([]search.Record, error) {
	var out []search.Record
	err := s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.records(ctx, tx, study)
		return err
	})
	return out, s.fail(fmt.Sprintf("study %q: records", study), err)
}

// snapshot runs queries that see the file at one moment, whatever is written
// meanwhile.
func (s *Store) snapshot(ctx context.Context, read func(*sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // there is nothing to commit
	return read(tx)
}

// recordCache holds the records of the studies asked for last.
type recordCache struct {
	mu      sync.Mutex
	studies []*cachedRecords // the last used one at the end
}

// cachedStudies is how many studies the cache holds.
const cachedStudies = 32

type cachedRecords struct {
	id      int64
	mu      sync.Mutex
	column  string // the space as stored
	space   search.Space
	seq     int64 // changes up to this one are in records
	records []search.Record
}

func (c *recordCache) of(id int64) *cachedRecords {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found *cachedRecords
	if i := slices.IndexFunc(c.studies, func(r *cachedRecords) bool { return r.id == id }); i >= 0 {
		found = c.studies[i]
		c.studies = slices.Delete(c.studies, i, i+1)
	} else {
		found = &cachedRecords{id: id}
	}
	c.studies = append(c.studies, found)
	if len(c.studies) > cachedStudies {
		c.studies = slices.Delete(c.studies, 0, 1)
	}
	return found
}

func (s *Store) records(ctx context.Context, tx *sql.Tx, study string) ([]search.Record, error) {
	var id, seq int64
	var column string
	err := tx.QueryRowContext(ctx, `SELECT id, seq, space FROM studies WHERE name = ?`, study).Scan(&id, &seq, &column)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.noStudy(ctx, study)
	}
	if err != nil {
		return nil, err
	}
	c := s.cache.of(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if column != c.column {
		c.space, c.records, c.seq = nil, nil, 0
		if err := decode(column, &c.space); err != nil {
			return nil, err
		}
		c.column = column
	}
	if seq > c.seq {
		changed, err := load(ctx, tx, c.space, `study = ?1 AND changed > ?2`, id, c.seq)
		if err != nil {
			return nil, err
		}
		c.merge(changed)
		c.seq = seq
	}
	return slices.Clone(c.records), nil
}

// merge replaces and adds records, which are ordered by number.
func (c *cachedRecords) merge(changed []search.Record) {
	if len(c.records) == 0 {
		c.records = changed
		return
	}
	for _, r := range changed {
		i, found := slices.BinarySearchFunc(c.records, r.ID, func(a search.Record, id int) int { return a.ID - id })
		if found {
			c.records[i] = r
		} else {
			c.records = slices.Insert(c.records, i, r)
		}
	}
}

// load reads the records of the trials that match a condition, by number.
func load(ctx context.Context, tx *sql.Tx, space search.Space, where string, args ...any) ([]search.Record, error) {
	rows, err := tx.QueryContext(ctx, `SELECT trial, params, source, state, reason, joules, seconds, coalesce(aside, '') FROM trials WHERE `+where+` ORDER BY trial`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []search.Record
	for rows.Next() {
		var r search.Record
		var params string
		if err := rows.Scan(&r.ID, &params, &r.Source, &r.State, &r.Reason, &r.Joules, &r.Seconds, &r.Aside); err != nil {
			return nil, err
		}
		if r.Params, err = readParams(params, space); err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name(), err)
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows, err = tx.QueryContext(ctx, `SELECT trial, since, budget, metrics, version, kernels, notes FROM segments
		WHERE study = ?1 AND trial IN (SELECT trial FROM trials WHERE `+where+`) ORDER BY trial, upto`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for i := 0; rows.Next(); {
		var trial, since int
		var m search.Measurement
		var metrics sql.NullString
		var version, kernels, notes string
		if err := rows.Scan(&trial, &since, &m.Budget, &metrics, &version, &kernels, &notes); err != nil {
			return nil, err
		}
		for out[i].ID < trial {
			i++
		}
		r := &out[i]
		var more []string
		if err := decode(notes, &more); err != nil {
			return nil, fmt.Errorf("%s: notes: %w", r.Name(), err)
		}
		r.Notes = append(r.Notes, more...)
		if version != "" && r.Version != "" && version != r.Version && !slices.ContainsFunc(more, segment.IsVersionNote) { // it had no checkpoint to go on from
			r.Notes = append(r.Notes, segment.VersionNote(since, version, r.Version))
		}
		r.Version, r.Kernels = cmp.Or(version, r.Version), cmp.Or(kernels, r.Kernels)
		if !metrics.Valid {
			continue
		}
		if err := decode(metrics.String, &m.Metrics); err != nil {
			return nil, fmt.Errorf("%s: metrics at %d: %w", r.Name(), m.Budget, err)
		}
		r.Measurements = append(r.Measurements, m)
	}
	return out, rows.Err()
}

// Top returns at most n trials of a study with the best last measurement of its
// main objective, the best first. Trials that diverged or failed are not among
// them.
func (s *Store) Top(ctx context.Context, study string, n int) ([]search.Record, error) {
	var out []search.Record
	err := s.snapshot(ctx, func(tx *sql.Tx) (err error) {
		out, err = s.top(ctx, tx, study, n)
		return err
	})
	return out, s.fail(fmt.Sprintf("study %q: best trials", study), err)
}

func (s *Store) top(ctx context.Context, tx *sql.Tx, study string, n int) ([]search.Record, error) {
	st, id, err := s.study(ctx, tx, study)
	if err != nil {
		return nil, err
	}
	out, err := load(ctx, tx, st.Space, `study = ?1 AND trial IN
		(SELECT trial FROM trials WHERE study = ?1 AND loss IS NOT NULL ORDER BY loss, trial LIMIT ?2)`, id, max(n, 0))
	slices.SortStableFunc(out, func(a, b search.Record) int { // the same values by number
		x, _ := a.Loss(st.Objectives[0])
		y, _ := b.Loss(st.Objectives[0])
		return cmp.Compare(x, y)
	})
	return out, err
}

// Curve returns the metrics of every epoch of a trial, by epoch.
func (s *Store) Curve(ctx context.Context, study string, trial int) ([]search.Measurement, error) {
	out, err := s.curve(ctx, study, trial)
	return out, s.fail(fmt.Sprintf("study %q: curve of %s", study, search.TrialName(trial)), err)
}

func (s *Store) curve(ctx context.Context, study string, trial int) ([]search.Measurement, error) {
	var id, n int64
	err := s.read.QueryRowContext(ctx, `SELECT id, (SELECT count(*) FROM trials WHERE study = id AND trial = ?) FROM studies WHERE name = ?`, trial, study).Scan(&id, &n)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, s.noStudy(ctx, study)
	case err != nil:
		return nil, err
	case n == 0:
		return nil, ErrNoTrial
	}
	rows, err := s.read.QueryContext(ctx, `SELECT budget, metric, value FROM curve WHERE study = ? AND trial = ? ORDER BY budget, upto, metric`, id, trial)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []search.Measurement
	for rows.Next() {
		var budget int
		var metric string
		var value float64
		if err := rows.Scan(&budget, &metric, &value); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].Budget != budget {
			out = append(out, search.Measurement{Budget: budget, Metrics: search.Metrics{}})
		}
		out[len(out)-1].Metrics[metric] = value
	}
	return out, rows.Err()
}
