package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// keys are the columns by which a table is walked.
var keys = map[string]string{"studies": "id", "trials": "study, trial", "segments": "study, trial, upto", "curve": "study, trial, upto, budget, metric", "versions": "study, version"}

// gap is how many numbers beyond the last one that was found are tried, of studies
// and of the trials of each.
const gap = 256

// rescueAll makes a new store of what can be read of a damaged one, and counts the
// rows of each table.
func rescueAll(ctx context.Context, path, fresh string) (saved map[string]int, err error) {
	damaged := &Store{path: path, read: connect(path, "mode=ro")}
	defer damaged.Close()
	s, err := Open(fresh)
	if err != nil {
		return nil, err
	}
	saved = map[string]int{}
	for _, table := range []string{"studies", "trials", "segments", "curve", "versions"} {
		if saved[table], err = s.rescue(ctx, damaged, table); err != nil {
			s.Close()
			return nil, fmt.Errorf("%s: %w", table, err)
		}
	}
	err = s.change(ctx, "repair", func(w *writer) error { // the best trials are those that tell why
		return w.exec(`UPDATE trials SET loss = NULL WHERE NOT EXISTS (SELECT 1 FROM segments g WHERE g.study = trials.study AND g.trial = trials.trial)`)
	})
	return saved, errors.Join(err, s.Close())
}

// rescue copies the rows of a table that can be read: from both ends until the
// damage, then what lies between, study by study and trial by trial, and each of
// them from both ends. Rows whose parent was lost are lost with it. It returns how
// many there are.
func (s *Store) rescue(ctx context.Context, from *Store, table string) (n int, err error) {
	columns, err := columnsOf(ctx, s.read, table)
	if err != nil {
		return n, err
	}
	have, err := columnsOf(ctx, from.read, table)
	if code := sqliteCode(err); code == codeCorrupt || code == codeNotADB || err == nil && len(have) == 0 {
		return n, nil // not even its definition can be read
	}
	if err != nil {
		return n, from.explain(err)
	}
	columns = slices.DeleteFunc(columns, func(c string) bool { return !slices.Contains(have, c) })
	err = s.change(ctx, "save "+table, func(w *writer) error {
		c := copier{from: from.read, to: w, table: table, columns: columns}
		if whole, err := c.ends(ctx, ""); whole || err != nil {
			return err
		}
		last, err := lastTrials(w)
		if err != nil {
			return err
		}
		studies := int64(0)
		for study := range last {
			studies = max(studies, study)
		}
		switch table {
		case "studies":
			return c.each(ctx, studies+gap, "WHERE id = ?")
		case "versions":
			return c.each(ctx, studies, "WHERE study = ?")
		case "trials":
			for study := range last {
				last[study] += gap
			}
		}
		for study, trial := range last {
			if err := c.each(ctx, trial, "WHERE study = ? AND trial = ?", study); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return n, err
	}
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	return n, err
}

// lastTrials are the highest numbers of the trials that were saved, by study; -1
// for one without trials.
func lastTrials(w *writer) (map[int64]int64, error) {
	rows, err := w.rows("SELECT id, coalesce(max(trial), -1) FROM studies LEFT JOIN trials ON study = id GROUP BY id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]int64{}
	for rows.Next() {
		var study, last int64
		if err := rows.Scan(&study, &last); err != nil {
			return nil, err
		}
		out[study] = last
	}
	return out, rows.Err()
}

// copier copies rows of one table.
type copier struct {
	from    *sql.DB
	to      *writer
	table   string
	columns []string
}

// each copies what there is of each number up to last.
func (c *copier) each(ctx context.Context, last int64, where string, args ...any) error {
	for i := range last + 1 {
		if _, err := c.ends(ctx, where, append(args, i)...); err != nil {
			return err
		}
	}
	return nil
}

// ends copies rows from the front until the damage, and if there is some, from the
// end. It reports whether these are all.
func (c *copier) ends(ctx context.Context, where string, args ...any) (whole bool, err error) {
	key := keys[c.table]
	if whole, err = c.copy(ctx, where+" ORDER BY "+key, args...); whole || err != nil {
		return whole, err
	}
	return c.copy(ctx, where+" ORDER BY "+strings.ReplaceAll(key, ",", " DESC,")+" DESC", args...)
}

// copy copies rows until one cannot be read; whole tells that there was none such.
// An error is one of writing.
func (c *copier) copy(ctx context.Context, which string, args ...any) (whole bool, err error) {
	list := strings.Join(c.columns, ", ")
	insert := fmt.Sprintf("INSERT OR IGNORE INTO %s (%s) VALUES (?%s)", c.table, list, strings.Repeat(", ?", len(c.columns)-1))
	rows, err := c.from.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s %s", list, c.table, which), args...)
	if err != nil {
		return false, nil
	}
	defer rows.Close()
	values, targets := make([]any, len(c.columns)), make([]any, len(c.columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() && rows.Scan(targets...) == nil {
		if err := c.to.exec(insert, values...); err != nil && sqliteCode(err) != codeConstraint {
			return false, err
		}
	}
	return rows.Err() == nil, nil
}

func columnsOf(ctx context.Context, db *sql.DB, table string) ([]string, error) {
	return texts(ctx, db, "SELECT name FROM pragma_table_info(?)", table)
}
