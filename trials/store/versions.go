package store

import (
	"context"
	"fmt"

	"budwood/trials/segment"
)

// Trained are the trials that a version has trained, or a part of each.
type Trained struct {
	Version segment.Version
	ID      string
	Trials  []int // by number
}

// Versions are those under which the trials of a study were trained that are not
// set aside, in the order of their first trials. A trial that went on under
// another version is with both. Trials of unknown versions are not among them.
func (s *Store) Versions(ctx context.Context, study string) ([]Trained, error) {
	out, err := s.versions(ctx, study)
	return out, s.fail(fmt.Sprintf("study %q: versions", study), err)
}

// Version is one of those that have trained trials of a study, by its [segment.Version.ID];
// nil if there is none.
func (s *Store) Version(ctx context.Context, study, id string) (segment.Version, error) {
	parts, err := texts(ctx, s.read, `SELECT parts FROM versions WHERE study = (SELECT id FROM studies WHERE name = ?) AND version = ?`, study, id)
	var v segment.Version
	if err == nil && len(parts) > 0 {
		err = decode(parts[0], &v)
	}
	return v, s.fail(fmt.Sprintf("study %q: version %s", study, id), err)
}

func (s *Store) versions(ctx context.Context, study string) ([]Trained, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT DISTINCT g.trial, v.version, v.parts
		FROM segments g JOIN versions v ON v.study = g.study AND v.version = g.version JOIN trials t ON t.study = g.study AND t.trial = g.trial
		WHERE g.study = (SELECT id FROM studies WHERE name = ?) AND t.aside IS NULL ORDER BY g.trial, g.upto`, study)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	at := map[string]int{}
	var out []Trained
	for rows.Next() {
		var trial int
		var id, parts string
		if err := rows.Scan(&trial, &id, &parts); err != nil {
			return nil, err
		}
		i, ok := at[id]
		if !ok {
			i = len(out)
			at[id] = i
			out = append(out, Trained{ID: id})
			if err := decode(parts, &out[i].Version); err != nil {
				return nil, err
			}
		}
		if n := len(out[i].Trials); n == 0 || out[i].Trials[n-1] != trial {
			out[i].Trials = append(out[i].Trials, trial)
		}
	}
	return out, rows.Err()
}

// recordVersion stores what a version is made of, once.
func recordVersion(w *writer, study int64, v segment.Version) error {
	id := v.ID()
	if id == "" {
		return nil
	}
	return w.exec(`INSERT INTO versions (study, version, parts) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, study, id, column(v))
}
