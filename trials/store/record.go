package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// Record stores a report, durably and whole. It is not accepted if a later
// attempt at the same segment was recorded before; the report of an attempt that
// was recorded already changes nothing. In whatever order reports come, and
// however often, the store ends up the same. Metrics that are not finite are
// left out.
func (s *Store) Record(ctx context.Context, r segment.Report) (accepted bool, err error) {
	operation := fmt.Sprintf("study %q: record %s, segment %d to %d", r.Study, search.TrialName(r.Trial), r.From, r.To)
	if r.From < 0 || r.To <= r.From {
		return false, fmt.Errorf("%s: a segment goes from a budget of at least 0 to a larger one", operation)
	}
	if r.State != search.Paused && !r.State.Ended() {
		return false, fmt.Errorf("%s: a segment does not end as %q", operation, r.State)
	}
	err = s.change(ctx, operation, func(w *writer) error {
		id, err := s.studyID(ctx, w, r.Study)
		if err != nil {
			return err
		}
		var last int // attempt
		err = w.row(`SELECT coalesce((SELECT attempt FROM segments WHERE study = ?1 AND trial = ?2 AND upto = ?3), -1) FROM trials WHERE study = ?1 AND trial = ?2`,
			id, r.Trial, r.To).Scan(&last)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNoTrial
		}
		if err != nil {
			return err
		}
		if accepted = r.Attempt >= last; r.Attempt <= last {
			return nil
		}
		return s.record(ctx, w, id, r)
	})
	return accepted && err == nil, err
}

// record replaces what is on record of a segment.
func (s *Store) record(ctx context.Context, w *writer, id int64, r segment.Report) error {
	if err := w.exec(`DELETE FROM segments WHERE study = ? AND trial = ? AND upto = ?`, id, r.Trial, r.To); err != nil {
		return err
	}
	var final, notes sql.NullString
	if r.Final.Budget != 0 || len(r.Final.Metrics) > 0 { // else nothing was measured
		final = column(r.Final.Metrics)
	}
	if len(r.Notes) > 0 {
		notes = column(r.Notes)
	}
	e := finiteEnergy(r.Energy)
	if err := w.exec(`INSERT INTO segments (study, trial, upto, since, attempt, state, reason, budget, metrics,
			joules, joules_low, joules_high, joules_idle, method, seconds, worker, version, kernels, notes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		id, r.Trial, r.To, r.From, r.Attempt, r.State, r.Reason, r.Final.Budget, final,
		e.Joules, e.Low, e.High, e.Idle, e.Method, finite(r.Seconds), r.Worker, r.Version.ID(), r.Kernels, notes.String); err != nil {
		return err
	}
	if err := recordVersion(w, id, r.Version); err != nil {
		return err
	}
	for _, m := range r.Curve {
		for _, name := range metricNames(m.Metrics) {
			if err := w.exec(`INSERT INTO curve (study, trial, upto, budget, metric, value) VALUES (?, ?, ?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET value = excluded.value`,
				id, r.Trial, r.To, m.Budget, name, m.Metrics[name]); err != nil {
				return err
			}
		}
	}
	_, seq, err := s.touch(ctx, w, r.Study)
	if err != nil {
		return err
	}
	return refresh(w, id, r.Trial, seq)
}

// refresh derives a trial's state, its sums and its loss from what is stored
// about it. The state is the last segment's if that ended the trial; else the
// one that [Store.End] gave it; else running, until the segment it was last
// resumed to is reported.
func refresh(w *writer, study int64, trial int, seq int64) error {
	var target int
	var targetReason, endReason string
	var endState, aside sql.NullString
	if err := w.row(`SELECT target, target_reason, end_state, end_reason, aside FROM trials WHERE study = ? AND trial = ?`, study, trial).
		Scan(&target, &targetReason, &endState, &endReason, &aside); err != nil {
		return err
	}
	var said string
	var objectives []search.Objective
	if err := w.row(`SELECT objectives FROM studies WHERE id = ?`, study).Scan(&said); err != nil {
		return err
	}
	if err := decode(said, &objectives); err != nil {
		return err
	}
	segments, err := segmentsOf(w, study, trial)
	if err != nil {
		return err
	}

	state, reason := search.Running, targetReason
	var sum energy.Energy
	var seconds float64
	var budget, to int
	var seen search.Record
	for _, g := range segments { // by budget: the last one counts
		sum, seconds = sum.Add(g.Energy), seconds+g.Seconds
		state, reason, to = g.State, g.Reason, g.to
		budget = max(budget, g.Final.Budget)
		if g.measured {
			seen.Measurements = append(seen.Measurements, g.Final)
		}
	}
	switch {
	case state.Ended():
	case endState.Valid:
		state, reason = search.State(endState.String), endReason
	case target > to:
		state, reason = search.Running, targetReason
	}
	var loss sql.NullFloat64
	seen.Aside = aside.String
	if state.Usable() { // else there is no result to be best with
		loss.Float64, loss.Valid = seen.Loss(objectives[0])
	}
	return w.exec(`UPDATE trials SET state = ?, reason = ?, budget = ?, loss = ?, joules = ?, joules_low = ?, joules_high = ?, joules_idle = ?,
			method = ?, seconds = ?, changed = ? WHERE study = ? AND trial = ?`,
		state, reason, budget, loss, sum.Joules, sum.Low, sum.High, sum.Idle,
		sum.Method, seconds, seq, study, trial)
}

// segmentRow is a row of segments, as far as a trial follows from it.
type segmentRow struct {
	to       int
	measured bool
	segment.Result
}

func segmentsOf(w *writer, study int64, trial int) ([]segmentRow, error) {
	rows, err := w.rows(`SELECT upto, state, reason, budget, metrics, joules, joules_low, joules_high, joules_idle, method, seconds
		FROM segments WHERE study = ? AND trial = ? ORDER BY upto`, study, trial)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []segmentRow
	for rows.Next() {
		var g segmentRow
		var metrics sql.NullString
		e := &g.Energy
		if err := rows.Scan(&g.to, &g.State, &g.Reason, &g.Final.Budget, &metrics,
			&e.Joules, &e.Low, &e.High, &e.Idle, &e.Method, &g.Seconds); err != nil {
			return nil, err
		}
		g.measured = metrics.Valid
		if err := decode(metrics.String, &g.Final.Metrics); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

func (s *Store) studyID(ctx context.Context, w *writer, study string) (id int64, err error) {
	err = w.row(`SELECT id FROM studies WHERE name = ?`, study).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.noStudy(ctx, study)
	}
	return id, err
}

// metricNames lists the finite metrics, in alphabetical order.
func metricNames(m search.Metrics) []string {
	var out []string
	for name, v := range m {
		if isFinite(v) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// isFinite reports whether a number is one that a column may hold.
func isFinite(x float64) bool { return math.Abs(x) <= math.MaxFloat64 }

// finite is x, or 0 if it is not finite.
func finite(x float64) float64 {
	if !isFinite(x) {
		return 0
	}
	return x
}

// finiteEnergy is an energy with what is not a number taken as 0.
func finiteEnergy(e energy.Energy) energy.Energy {
	e.Joules, e.Low, e.High, e.Idle = finite(e.Joules), finite(e.Low), finite(e.High), finite(e.Idle)
	return e
}
