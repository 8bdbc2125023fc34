package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"budwood/search"
)

// StudyState is where a study stands.
type StudyState string

// The states of a study.
const (
	StudyRunning   StudyState = "running"
	StudyCompleted StudyState = "completed" // its budget was spent
	StudyStopped   StudyState = "stopped"   // by its user
	StudyFailed    StudyState = "failed"
)

// Study is what a study was asked to do and how it ended.
type Study struct {
	Name       string             `json:"name"`
	Spec       json.RawMessage    `json:"spec,omitempty"` // as submitted, with all defaults
	Space      search.Space       `json:"space"`
	Objectives []search.Objective `json:"objectives"`           // at least one; the first is the main one
	Features   json.RawMessage    `json:"features,omitempty"`   // features of its data set
	WarmStart  json.RawMessage    `json:"warm_start,omitempty"` // which studies helped
	State      StudyState         `json:"state"`
	Reason     string             `json:"reason,omitempty"`
	Best       int                `json:"best"`           // trial, -1: none yet
	Test       search.Metrics     `json:"test,omitempty"` // metrics of the best trial on the test set
	Created    time.Time          `json:"created"`
	Ended      time.Time          `json:"ended,omitzero"`
}

// Begin stores a new study as running, created now and without a best trial. A
// study of that name that exists already is returned as it is, with created
// false: this is how a study goes on after a crash.
func (s *Store) Begin(ctx context.Context, study Study) (stored Study, created bool, err error) {
	operation := fmt.Sprintf("begin study %q", study.Name)
	if study.Name == "" || len(study.Objectives) == 0 {
		return Study{}, false, fmt.Errorf("%s: it needs a name and an objective", operation)
	}
	space, err := json.Marshal(study.Space)
	if err != nil {
		return Study{}, false, fmt.Errorf("%s: space: %w", operation, err)
	}
	for i, raw := range []json.RawMessage{study.Spec, study.Features, study.WarmStart} {
		if len(raw) > 0 && !json.Valid(raw) {
			return Study{}, false, fmt.Errorf("%s: its %s is not JSON", operation, []string{"spec", "features", "warm start"}[i])
		}
	}
	now := s.now().UnixMilli()
	err = s.change(ctx, operation, func(w *writer) error {
		n, err := w.count(`INSERT INTO studies (name, spec, space, objectives, features, warm_start, state, created)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING`,
			study.Name, text(study.Spec), string(space), column(study.Objectives), text(study.Features), text(study.WarmStart), StudyRunning, now)
		created = n > 0
		return err
	})
	if err != nil {
		return Study{}, false, err
	}
	stored, err = s.Study(ctx, study.Name)
	return stored, created, err
}

// Edit gives a study a changed specification and space.
func (s *Store) Edit(ctx context.Context, name string, spec json.RawMessage, space search.Space) error {
	operation := fmt.Sprintf("edit study %q", name)
	written, err := json.Marshal(space)
	if err != nil {
		return fmt.Errorf("%s: space: %w", operation, err)
	}
	return s.change(ctx, operation, func(w *writer) error {
		n, err := w.count(`UPDATE studies SET spec = ?, space = ? WHERE name = ?`, text(spec), string(written), name)
		if err == nil && n == 0 {
			err = s.noStudy(ctx, name)
		}
		return err
	})
}

// Note says at a study that runs what keeps it from going on; "" says that
// nothing does.
func (s *Store) Note(ctx context.Context, name, note string) error {
	return s.change(ctx, fmt.Sprintf("study %q: note", name), func(w *writer) error {
		return w.exec(`UPDATE studies SET reason = ? WHERE name = ? AND state = ?`, note, name, StudyRunning)
	})
}

// Study returns a study. The error wraps [ErrNoStudy] if there is none of that
// name, and says which name may have been meant.
func (s *Store) Study(ctx context.Context, name string) (Study, error) {
	out, _, err := s.study(ctx, s.read, name)
	return out, s.fail(fmt.Sprintf("study %q", name), err)
}

func (s *Store) study(ctx context.Context, from querier, name string) (Study, int64, error) {
	out := Study{Name: name, Best: -1}
	var spec, features, warm, test sql.NullString
	var space, objectives string
	var best, ended sql.NullInt64
	var id, created int64
	err := from.QueryRowContext(ctx, `SELECT id, spec, space, objectives, features, warm_start, state, reason, best, CASE WHEN tested IS best THEN test END, created, ended
		FROM studies WHERE name = ?`, name).
		Scan(&id, &spec, &space, &objectives, &features, &warm, &out.State, &out.Reason, &best, &test, &created, &ended)
	if errors.Is(err, sql.ErrNoRows) {
		err = s.noStudy(ctx, name)
	}
	if err == nil {
		err = errors.Join(decode(space, &out.Space), decode(objectives, &out.Objectives), decode(test.String, &out.Test))
	}
	if err != nil {
		return Study{}, 0, err
	}
	out.Spec, out.Features, out.WarmStart = raw(spec), raw(features), raw(warm)
	out.Created = time.UnixMilli(created).UTC()
	if best.Valid {
		out.Best = int(best.Int64)
	}
	if ended.Valid {
		out.Ended = time.UnixMilli(ended.Int64).UTC()
	}
	return out, id, nil
}

// querier is a database, a connection or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Finish gives a study its final state, its best trial (-1: none) and, if test
// is not nil, the score of that trial on the test set. Asked again it changes
// what differs; the time of the end is the first one's.
func (s *Store) Finish(ctx context.Context, name string, state StudyState, reason string, best int, test search.Metrics) error {
	operation := fmt.Sprintf("finish study %q", name)
	if !slices.Contains([]StudyState{StudyCompleted, StudyStopped, StudyFailed}, state) {
		return fmt.Errorf("%s: %q is not a final state", operation, state)
	}
	var metrics sql.NullString
	if test != nil {
		metrics = column(test)
	}
	now := s.now().UnixMilli()
	return s.change(ctx, operation, func(w *writer) error {
		n, err := w.count(`UPDATE studies SET state = ?1, reason = ?2, best = ?3, tested = CASE WHEN ?4 IS NULL THEN tested ELSE ?3 END,
				test = coalesce(?4, test), ended = coalesce(ended, ?5) WHERE name = ?6`,
			state, reason, sql.NullInt64{Int64: int64(best), Valid: best >= 0}, metrics, now, name)
		if err == nil && n == 0 {
			err = s.noStudy(ctx, name)
		}
		return err
	})
}

// Delete removes a study with everything that belongs to it.
func (s *Store) Delete(ctx context.Context, name string) error {
	return s.change(ctx, fmt.Sprintf("delete study %q", name), func(w *writer) error {
		n, err := w.count(`DELETE FROM studies WHERE name = ?`, name)
		if err == nil && n == 0 {
			err = s.noStudy(ctx, name)
		}
		return err
	})
}

// Specs are the specifications of all studies.
func (s *Store) Specs(ctx context.Context) ([]json.RawMessage, error) {
	specs, err := texts(ctx, s.read, `SELECT spec FROM studies WHERE spec IS NOT NULL`)
	out := make([]json.RawMessage, len(specs))
	for i, spec := range specs {
		out[i] = json.RawMessage(spec)
	}
	return out, s.fail("read the specifications", err)
}

// Finished lists the studies that completed or were stopped, the newest first.
func (s *Store) Finished(ctx context.Context) ([]string, error) {
	names, err := texts(ctx, s.read, `SELECT name FROM studies WHERE state IN ('completed', 'stopped') ORDER BY created DESC, id DESC`)
	return names, s.fail("list finished studies", err)
}

// Running lists the studies that run, the newest first.
func (s *Store) Running(ctx context.Context) ([]string, error) {
	names, err := texts(ctx, s.read, `SELECT name FROM studies WHERE state = 'running' ORDER BY created DESC, id DESC`)
	return names, s.fail("list running studies", err)
}

// Describe returns what another study needs to know to compare itself with this
// one: the space, the objectives, and the features of the data set (nil if
// they are not known).
func (s *Store) Describe(ctx context.Context, study string) (search.Space, []search.Objective, json.RawMessage, error) {
	st, err := s.Study(ctx, study)
	return st.Space, st.Objectives, st.Features, err
}

// texts lists the one column of a query.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) ([]string, error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	return out, rows.Err()
}

// text is JSON as a column: NULL if there is none.
func text(raw json.RawMessage) sql.NullString {
	return sql.NullString{String: string(raw), Valid: len(raw) > 0}
}

// column is a value as JSON: one of texts, or of metrics, of which JSON leaves out
// what it cannot say. It can always be written.
func column(v any) sql.NullString {
	b, _ := json.Marshal(v)
	return text(b)
}

func raw(s sql.NullString) json.RawMessage {
	if !s.Valid {
		return nil
	}
	return json.RawMessage(s.String)
}

// decode reads a JSON column; an empty one leaves the value alone.
func decode(column string, v any) error {
	if column == "" {
		return nil
	}
	return json.Unmarshal([]byte(column), v)
}
