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
	db := connect(s.path, "mode=ro") // the reading connections refuse everything that writes
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	db.Close()
	if err != nil {
		os.Remove(path)
	}
	return s.fail(operation, err)
}

// Repair makes a new store of whatever can be read of a damaged one, and puts
// it in its place; the damaged file stays beside it under the name that is
// returned. Nobody may use the store meanwhile. It returns how many rows of each
// table were saved. If nothing could be saved for another reason than damage, the
// store stays as it was.
func Repair(ctx context.Context, path string) (saved map[string]int, old string, err error) {
	if saved, old, err = repair(ctx, path); err != nil {
		return nil, "", fmt.Errorf("repair %s: %w", path, err)
	}
	return saved, old, nil
}

func repair(ctx context.Context, path string) (saved map[string]int, old string, err error) {
	if !exists(path) {
		return nil, "", ErrNoStore
	}
	fresh := path + ".repaired"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) { // SQLite removes a log without its file
		return nil, "", err
	}
	if saved, err = rescueAll(ctx, path, fresh); err != nil {
		return nil, "", err
	}
	for n := 1; ; n++ {
		if old = fmt.Sprintf("%s.damaged-%d", path, n); !exists(old) {
			break
		}
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, old+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, "", err
		}
	}
	if err := os.Rename(fresh, path); err != nil {
		return nil, "", fmt.Errorf("%w; the old file is %s", err, old)
	}
	return saved, old, nil
}
