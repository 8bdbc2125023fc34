//go:build cgo

package store

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"testing"

	"github.com/mattn/go-sqlite3"
)

// faults is SQLite's driver with uses of it that fail: each use once, in the order
// in which an operation comes to them. It has no real faults: what fails is not
// done at all, except that whatever is to be closed is closed.
type faults struct {
	driver.Driver
	mu     sync.Mutex
	open   int                                         // connections
	err    error                                       // what a use fails with
	only   func(use) bool                              // those that can fail; nil: all
	armed  bool                                        // the next new use fails
	always bool                                        // every use fails that can, while it is armed
	had    *use                                        // that failed since it was armed
	seen   map[use]bool                                // that have failed
	count  map[[2]string]int                           // uses since it was armed
	torn   func(query string, row []driver.Value) bool // rows that can never be read; nil: none
}

// use is one use of the driver.
type use struct {
	call, query string
	n           int // how many such uses came before, since it was armed
}

func (u use) String() string { return fmt.Sprintf("%s %d of %q", u.call, u.n, u.query) }

// harmless reports whether an operation need not fail with it: what it wanted it has.
func (u use) harmless() bool {
	return u.call == "close" || u.call == "roll back" && u.query == ""
}

// withFaults puts faults in front of SQLite for a test. They are not armed.
func withFaults(t *testing.T) *faults {
	before := sqlite
	f := &faults{Driver: before, err: sqlite3.Error{Code: sqlite3.ErrIoErr}}
	sqlite = f
	t.Cleanup(func() { sqlite = before })
	return f
}

// arm lets the first use fail that has not failed yet.
func (f *faults) arm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed, f.had, f.count = true, nil, map[[2]string]int{}
}

// disarm returns the use that failed since arm, nil if none did.
func (f *faults) disarm() *use {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = false
	return f.had
}

// at is the error of a use.
func (f *faults) at(call, query string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.armed {
		return nil
	}
	u := use{call, query, f.count[[2]string{call, query}]}
	f.count[[2]string{call, query}]++
	if f.only != nil && !f.only(u) || !f.always && (f.had != nil || f.seen[u]) {
		return nil
	}
	f.seen[u], f.had = true, &u
	return f.err
}

func (f *faults) opened(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.open += n
}

func (f *faults) Open(name string) (driver.Conn, error) {
	if err := f.at("open", ""); err != nil {
		return nil, err
	}
	c, err := f.Driver.Open(name)
	if err != nil {
		return nil, err
	}
	f.opened(1)
	return faultyConn{c.(*sqlite3.SQLiteConn), f}, nil
}

type faultyConn struct {
	*sqlite3.SQLiteConn
	f *faults
}

func (c faultyConn) Close() error {
	c.f.opened(-1)
	return or(c.SQLiteConn.Close(), c.f.at("close", "connection"))
}

func (c faultyConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if err := c.f.at("prepare", query); err != nil {
		return nil, err
	}
	s, err := c.SQLiteConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return faultyStmt{s.(*sqlite3.SQLiteStmt), c.f, query}, nil
}

func (c faultyConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.f.at("run", query); err != nil {
		return nil, err
	}
	return c.SQLiteConn.ExecContext(ctx, query, args)
}

func (c faultyConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.f.at("ask", query); err != nil {
		return nil, err
	}
	return c.f.rows(c.SQLiteConn.QueryContext(ctx, query, args))(query)
}

func (c faultyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if err := c.f.at("begin", ""); err != nil {
		return nil, err
	}
	tx, err := c.SQLiteConn.BeginTx(ctx, o)
	return faultyTx{tx, c.f}, err
}

type faultyTx struct {
	driver.Tx
	f *faults
}

func (t faultyTx) Rollback() error { return or(t.Tx.Rollback(), t.f.at("roll back", "")) }

type faultyStmt struct {
	*sqlite3.SQLiteStmt
	f     *faults
	query string
}

func (s faultyStmt) Close() error { return or(s.SQLiteStmt.Close(), s.f.at("close", s.query)) }

func (s faultyStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.f.at("run", s.query); err != nil {
		return nil, err
	}
	r, err := s.SQLiteStmt.ExecContext(ctx, args)
	return faultyResult{r, s.f, s.query}, err
}

func (s faultyStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.f.at("ask", s.query); err != nil {
		return nil, err
	}
	return s.f.rows(s.SQLiteStmt.QueryContext(ctx, args))(s.query)
}

type faultyResult struct {
	driver.Result
	f     *faults
	query string
}

func (r faultyResult) RowsAffected() (int64, error) {
	if r.query == "COMMIT" { // changes nothing that could be counted
		return 0, nil
	}
	if err := r.f.at("count", r.query); err != nil {
		return 0, err
	}
	return r.Result.RowsAffected()
}

func (f *faults) rows(r driver.Rows, err error) func(query string) (driver.Rows, error) {
	return func(query string) (driver.Rows, error) {
		if err != nil {
			return nil, err
		}
		return faultyRows{r, f, query}, nil
	}
}

type faultyRows struct {
	driver.Rows
	f     *faults
	query string
}

func (r faultyRows) Close() error { return or(r.Rows.Close(), r.f.at("close", r.query)) }

// Next fails, or gives a row that no variable takes.
func (r faultyRows) Next(row []driver.Value) error {
	if err := r.f.at("next row", r.query); err != nil {
		return err
	}
	if err := r.Rows.Next(row); err != nil {
		return err
	}
	if r.f.torn != nil && r.f.torn(r.query, row) {
		return r.f.err
	}
	if r.f.at("values", r.query) != nil {
		for i := range row {
			row[i] = struct{}{}
		}
	}
	return nil
}

func or(err, fault error) error {
	if err != nil {
		return err
	}
	return fault
}
