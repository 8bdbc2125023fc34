package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Check looks for damage in the file: SQLite's own integrity check, and rows
// whose study, trial or segment is missing. It returns one line for each, none
// if the file is whole.
func (s *Store) Check(ctx context.Context) ([]string, error) {
	out, err := check(ctx, s.read)
	return out, s.fail("check", err)
}

func check(ctx context.Context, db *sql.DB) ([]string, error) {
	out, err := texts(ctx, db, "PRAGMA integrity_check(20)")
	out = strings.Split(strings.Join(out, "\n"), "\n") // a row may have a heading
	out = slices.DeleteFunc(out, func(line string) bool { return line == "ok" || line == "" || strings.HasPrefix(line, "***") })
	if err != nil {
		return out, err
	}
	lost, err := db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return out, err
	}
	defer lost.Close()
	for lost.Next() {
		var table, parent string
		var row, key sql.NullInt64
		if err := lost.Scan(&table, &row, &parent, &key); err != nil {
			return out, err
		}
		out = append(out, fmt.Sprintf("row %d of %s belongs to no row of %s", row.Int64, table, parent))
	}
	return out, lost.Err()
}

// Backup writes a copy of the store, as it is at one moment, to a new file,
// whatever is written meanwhile.
func (s *Store) Backup(ctx context.Context, path string) error {
	operation := "back up to " + path
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // SQLite fills an empty file
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s: a file of that name is there already", operation)
	case err != nil:
		return fmt.Errorf("%s: %w", operation, errors.Unwrap(err)) // without the path again
	}
	f.Close()
	db, err := connect(s.path, "mode=ro") // the reading connections refuse everything that writes
	if err == nil {
		_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		err = errors.Join(err, os.Remove(path))
	}
	return s.fail(operation, err)
}

// Repair makes a new store of whatever can be read of a damaged one, and puts
// it in its place; the damaged file stays beside it under the name that is
// returned. Nobody may use the store meanwhile. It returns how many rows of each
// table were saved.
func Repair(ctx context.Context, path string) (saved map[string]int, old string, err error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("repair %s: %w", path, ErrNoStore)
	}
	damaged, err := connect(path, "mode=ro")
	if err != nil {
		return nil, "", fmt.Errorf("repair %s: %w", path, err)
	}
	defer damaged.Close()
	damaged.SetMaxOpenConns(1)
	fresh := path + ".repaired"
	if err := removeStore(fresh); err != nil {
		return nil, "", fmt.Errorf("repair %s: %w", path, err)
	}
	s, err := Open(fresh)
	if err != nil {
		return nil, "", err
	}
	saved = map[string]int{}
	for _, table := range []string{"studies", "trials", "segments", "curve", "versions"} {
		if saved[table], err = s.rescue(ctx, damaged, table); err != nil {
			s.Close()
			return nil, "", fmt.Errorf("repair %s: %s: %w", path, table, err)
		}
	}
	err = s.change(ctx, "repair", func(w *writer) error { // the best trials are those that tell why
		return w.exec(`UPDATE trials SET loss = NULL WHERE NOT EXISTS (SELECT 1 FROM segments g WHERE g.study = trials.study AND g.trial = trials.trial)`)
	})
	if err = errors.Join(err, s.Close()); err != nil {
		return nil, "", err
	}
	damaged.Close()
	for n := 1; ; n++ {
		old = fmt.Sprintf("%s.damaged-%d", path, n)
		if _, err := os.Stat(old); errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, old+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, "", fmt.Errorf("repair %s: %w", path, err)
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, "", fmt.Errorf("repair %s: %w; the old file is %s", path, err, old)
	}
	return saved, old, nil
}

func removeStore(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// keys are the columns by which a table is walked.
var keys = map[string]string{"studies": "id", "trials": "study, trial", "segments": "study, trial, upto", "curve": "study, trial, upto, budget, metric", "versions": "study, version"}

// rescue copies the rows of a table that can be read: from the front until the
// damage, then from the end until the damage, then what lies between, trial by
// trial. Rows whose parent was lost are lost with it.
func (s *Store) rescue(ctx context.Context, from *sql.DB, table string) (n int, err error) {
	columns, err := columnsOf(ctx, s.read, table)
	if err != nil {
		return 0, err
	}
	have, err := columnsOf(ctx, from, table)
	if err != nil || len(have) == 0 {
		return 0, nil // not even its definition can be read
	}
	columns = slices.DeleteFunc(columns, func(c string) bool { return !slices.Contains(have, c) })
	list := strings.Join(columns, ", ")
	insert := fmt.Sprintf("INSERT OR IGNORE INTO %s (%s) VALUES (?%s)", table, list, strings.Repeat(", ?", len(columns)-1))
	rows := fmt.Sprintf("SELECT %s FROM %s ", list, table)
	key := keys[table]
	err = s.change(ctx, "save "+table, func(w *writer) error {
		whole := false
		for _, order := range []string{key, strings.ReplaceAll(key, ",", " DESC,") + " DESC"} {
			if whole, err = copyRows(ctx, from, w, insert, len(columns), rows+"ORDER BY "+order); err != nil {
				return err
			}
			if whole {
				break
			}
		}
		if !whole && table != "studies" && table != "versions" {
			last, err := lastTrials(w)
			if err != nil {
				return err
			}
			for study, last := range last {
				for trial := range last + 1 {
					if _, err := copyRows(ctx, from, w, insert, len(columns), rows+"WHERE study = ? AND trial = ? ORDER BY "+key, study, trial); err != nil {
						return err
					}
				}
			}
		}
		return w.row("SELECT count(*) FROM " + table).Scan(&n)
	})
	return n, err
}

// lastTrials are the highest numbers of the trials that were saved, by study.
func lastTrials(w *writer) (map[int64]int, error) {
	rows, err := w.rows("SELECT study, max(trial) FROM trials GROUP BY study")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]int{}
	for rows.Next() {
		var study int64
		var last int
		if err := rows.Scan(&study, &last); err != nil {
			return nil, err
		}
		out[study] = last
	}
	return out, rows.Err()
}

// copyRows copies until a row cannot be read; whole tells that there was none.
// An error is one of writing.
func copyRows(ctx context.Context, from *sql.DB, w *writer, insert string, n int, query string, args ...any) (whole bool, err error) {
	rows, err := from.QueryContext(ctx, query, args...)
	if err != nil {
		return false, ctx.Err()
	}
	defer rows.Close()
	values, targets := make([]any, n), make([]any, n)
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if rows.Scan(targets...) != nil {
			return false, ctx.Err()
		}
		for i, v := range values {
			if b, ok := v.([]byte); ok {
				values[i] = string(b)
			}
		}
		if err := w.exec(insert, values...); err != nil && sqliteCode(err) != codeConstraint {
			return false, err
		}
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return rows.Err() == nil, nil
}

func columnsOf(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	return texts(ctx, db, "SELECT name FROM pragma_table_info(?)", table)
}
