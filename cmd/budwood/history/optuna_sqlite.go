package history

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"math"
	"net/url"

	_ "github.com/mattn/go-sqlite3" // Optuna's files
)

// readOptunaDB reads Optuna's SQLite file (optuna/storages/_rdb/models.py, schema 12 and
// the older ones that have the same columns).
func readOptunaDB(path string) ([]*foreign, error) {
	db, err := sql.Open("sqlite3", "file:"+(&url.URL{Path: path}).EscapedPath()+"?mode=ro&_query_only=on")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	r := &optunaDB{db: db, studies: map[int64]*foreign{}, trials: map[int64]*attempt{}, of: map[int64]*foreign{}}
	for _, read := range []func() error{r.readStudies, r.readTrials, r.readParams, r.readValues, r.readCurves} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("it is not a file of Optuna that is read here: %w", err)
		}
	}
	var out []*foreign
	for _, id := range sortedKeys(r.studies) {
		out = append(out, r.studies[id])
	}
	return out, nil
}

type optunaDB struct {
	db      *sql.DB
	studies map[int64]*foreign
	trials  map[int64]*attempt
	of      map[int64]*foreign // a trial's study
}

// each calls row for every row of a query.
func (r *optunaDB) each(query string, row func(scan func(...any) error) error) error {
	rows, err := r.db.Query(query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *optunaDB) readStudies() error {
	err := r.each(`SELECT s.study_id, s.study_name, d.direction FROM studies s JOIN study_directions d ON d.study_id = s.study_id ORDER BY s.study_id, d.objective`,
		func(scan func(...any) error) error {
			var id int64
			var name, direction string
			if err := scan(&id, &name, &direction); err != nil {
				return err
			}
			if r.studies[id] == nil {
				r.studies[id] = &foreign{name: name, tool: "optuna"}
			}
			r.studies[id].goals = append(r.studies[id].goals, optunaGoal(direction))
			return nil
		})
	if err != nil {
		return err
	}
	return r.each(`SELECT study_id, value_json FROM study_system_attributes WHERE "key" = 'study:metric_names'`, func(scan func(...any) error) error {
		var id int64
		var names string
		if err := scan(&id, &names); err != nil || r.studies[id] == nil {
			return err
		}
		return json.Unmarshal([]byte(names), &r.studies[id].metrics)
	})
}

func (r *optunaDB) readTrials() error {
	return r.each(`SELECT trial_id, study_id, coalesce(number, trial_id), state, coalesce(datetime_start, ''), coalesce(datetime_complete, '') FROM trials ORDER BY trial_id`,
		func(scan func(...any) error) error {
			var id, study int64
			var start, complete, state string
			t := &attempt{params: map[string]any{}}
			if err := scan(&id, &study, &t.number, &state, &start, &complete); err != nil {
				return err
			}
			f := r.studies[study]
			if f == nil {
				return fmt.Errorf("trial %d belongs to no study", t.number)
			}
			t.seconds = took(start, complete)
			r.trials[id], r.of[id] = t, f
			f.trials = append(f.trials, t)
			return t.ended(state)
		})
}

func (r *optunaDB) readParams() error {
	return r.each(`SELECT trial_id, param_name, param_value, distribution_json FROM trial_params ORDER BY param_id`, func(scan func(...any) error) error {
		var id int64
		var name, definition string
		var internal float64
		if err := scan(&id, &name, &internal, &definition); err != nil || r.trials[id] == nil {
			return err
		}
		v, err := r.of[id].optunaValue(name, definition, internal)
		r.trials[id].params[name] = v
		return err
	})
}

func (r *optunaDB) readValues() error {
	return r.each(`SELECT trial_id, objective, value FROM trial_values ORDER BY trial_id, objective`, func(scan func(...any) error) error {
		var id int64
		var objective int
		var v sql.NullFloat64 // null: infinite
		if err := scan(&id, &objective, &v); err != nil || r.trials[id] == nil {
			return err
		}
		t := r.trials[id]
		if objective != len(t.values) || objective >= len(r.of[id].goals) {
			return fmt.Errorf("trial %d has a value of objective %d, and none of the one before", t.number, objective)
		}
		t.values = append(t.values, nullNaN(v))
		return nil
	})
}

func (r *optunaDB) readCurves() error {
	return r.each(`SELECT trial_id, step, intermediate_value FROM trial_intermediate_values ORDER BY trial_id, step`, func(scan func(...any) error) error {
		var id int64
		var step int
		var v sql.NullFloat64
		if err := scan(&id, &step, &v); err != nil || r.trials[id] == nil || step < 0 {
			return err
		}
		r.trials[id].reported(step, nullNaN(v))
		return nil
	})
}

func nullNaN(v sql.NullFloat64) float64 {
	if !v.Valid {
		return math.NaN()
	}
	return v.Float64
}
