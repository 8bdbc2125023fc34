package history

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"strings"
	"time"

	"budwood/search"
)

// optunaSchema makes the tables of Optuna's storage, schema 12 (Optuna 3; Optuna 4 reads it, too).
const optunaSchema = `
CREATE TABLE studies (study_id INTEGER NOT NULL PRIMARY KEY, study_name VARCHAR(512) NOT NULL);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE TABLE version_info (version_info_id INTEGER NOT NULL PRIMARY KEY, schema_version INTEGER, library_version VARCHAR(256), CHECK (version_info_id = 1));
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY);
CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL PRIMARY KEY, direction VARCHAR(8) NOT NULL, study_id INTEGER NOT NULL REFERENCES studies (study_id),
	objective INTEGER NOT NULL, UNIQUE (study_id, objective));
CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL PRIMARY KEY, study_id INTEGER REFERENCES studies (study_id), "key" VARCHAR(512), value_json TEXT, UNIQUE (study_id, "key"));
CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL PRIMARY KEY, study_id INTEGER REFERENCES studies (study_id), "key" VARCHAR(512), value_json TEXT, UNIQUE (study_id, "key"));
CREATE TABLE trials (trial_id INTEGER NOT NULL PRIMARY KEY, number INTEGER, study_id INTEGER REFERENCES studies (study_id), state VARCHAR(8) NOT NULL, datetime_start DATETIME, datetime_complete DATETIME);
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER REFERENCES trials (trial_id), "key" VARCHAR(512), value_json TEXT, UNIQUE (trial_id, "key"));
CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER REFERENCES trials (trial_id), "key" VARCHAR(512), value_json TEXT, UNIQUE (trial_id, "key"));
CREATE TABLE trial_params (param_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER REFERENCES trials (trial_id), param_name VARCHAR(512), param_value FLOAT, distribution_json TEXT, UNIQUE (trial_id, param_name));
CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), objective INTEGER NOT NULL, value FLOAT, value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, objective));
CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), step INTEGER NOT NULL,
	intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL, UNIQUE (trial_id, step));
CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL PRIMARY KEY, trial_id INTEGER NOT NULL REFERENCES trials (trial_id), heartbeat DATETIME NOT NULL, UNIQUE (trial_id));
INSERT INTO version_info VALUES (1, 12, '3.0.0');
INSERT INTO alembic_version VALUES ('v3.0.0.d');`

// WriteOptuna writes the history as an SQLite file of Optuna, whole or not at all. The
// file must not exist. A trial that diverged or was infeasible is one that failed there.
func (h *History) WriteOptuna(path string) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return &fs.PathError{Op: "write", Path: path, Err: fs.ErrExist}
	}
	part := path + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
			os.Remove(part)
		}
	}()
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: part}).EscapedPath()+"?mode=rwc&_synchronous=full")
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err == nil {
		w := &optunaWriter{tx: tx}
		w.exec(optunaSchema)
		w.history(h)
		if err = w.err; err == nil {
			err = tx.Commit()
		} else {
			tx.Rollback()
		}
	}
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}

type optunaWriter struct {
	tx  *sql.Tx
	err error // the first one
}

func (w *optunaWriter) exec(query string, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.Exec(query, args...)
	}
}

func (w *optunaWriter) history(h *History) {
	w.exec(`INSERT INTO studies VALUES (1, ?)`, h.Name)
	names := make([]string, len(h.Objectives))
	for i, o := range h.Objectives {
		direction := "MINIMIZE"
		if o.Goal == search.Maximize {
			direction = "MAXIMIZE"
		}
		names[i] = o.Metric
		w.exec(`INSERT INTO study_directions (direction, study_id, objective) VALUES (?, 1, ?)`, direction, i)
	}
	metrics, err := json.Marshal(names)
	w.err = errors.Join(w.err, err)
	w.exec(`INSERT INTO study_system_attributes (study_id, "key", value_json) VALUES (1, 'study:metric_names', ?)`, string(metrics))
	definitions := map[string]string{}
	dims := h.Space.Dims()
	for _, d := range dims {
		text, err := optunaDefinition(d)
		w.err = errors.Join(w.err, err)
		definitions[d.Name] = text
	}
	for _, r := range h.Trials {
		w.trial(h, &r, dims, definitions)
	}
}

func (w *optunaWriter) trial(h *History, r *search.Record, dims []*search.Dim, definitions map[string]string) {
	state := "COMPLETE"
	last, measured := r.Last()
	switch {
	case !r.State.Ended():
		state = "RUNNING"
	case !r.State.Usable() || !measured || !finite(last.Metrics, h.Objectives):
		state = "FAIL"
	case r.State == search.Stopped && len(h.Objectives) == 1: // Optuna prunes with one objective only
		state = "PRUNED"
	}
	id := r.ID + 1
	start := time.Unix(0, 0).UTC() // Optuna wants a time; the trial's length is what it tells
	var end any
	if r.State.Ended() {
		end = optunaTime(start.Add(time.Duration(r.Seconds * float64(time.Second))))
	}
	w.exec(`INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)`, id, r.ID, state, optunaTime(start), end)
	for _, d := range dims { // a genome is no parameter of the space
		value, ok := r.Params[d.Name]
		if !ok {
			continue
		}
		v, _ := search.Number(value)
		if d.Kind == search.KindChoice {
			v = float64(d.Index(value))
		}
		w.exec(`INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)`, id, d.Name, v, definitions[d.Name])
	}
	if state == "COMPLETE" || state == "PRUNED" {
		for i, o := range h.Objectives {
			w.exec(`INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, 'FINITE')`, id, i, last.Metrics[o.Metric])
		}
	}
	if len(h.Objectives) > 1 {
		return
	}
	for _, m := range r.Measurements {
		if v, ok := m.Metrics[h.Objectives[0].Metric]; ok && !math.IsNaN(v) && !math.IsInf(v, 0) && m.Budget > 0 {
			w.exec(`INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) VALUES (?, ?, ?, 'FINITE')`, id, m.Budget-1, v)
		}
	}
}

func optunaTime(t time.Time) string { return t.Format("2006-01-02 15:04:05.000000") }

// optunaDefinition is the definition of a parameter as Optuna writes it.
func optunaDefinition(d *search.Dim) (string, error) {
	kind, attributes := strings.ToUpper(string(d.Kind[:1]))+string(d.Kind[1:])+"Distribution", map[string]any{"low": d.Lo, "high": d.Hi, "log": d.Log, "step": nil}
	if d.Step > 0 && !d.Log {
		attributes["step"] = d.Step
	}
	switch d.Kind {
	case search.KindInt:
		attributes["low"], attributes["high"], attributes["step"] = int64(d.Lo), int64(d.Hi), int64(max(d.Step, 1))
		if d.Log {
			attributes["step"] = 1
		}
	case search.KindChoice:
		var choices []any
		for _, o := range d.Options {
			choices = append(choices, o.Value)
		}
		kind, attributes = "CategoricalDistribution", map[string]any{"choices": choices}
	}
	b, err := json.Marshal(map[string]any{"name": kind, "attributes": attributes})
	return string(b), err
}
