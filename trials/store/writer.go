package store

import (
	"context"
	"database/sql"
	"errors"
)

// writer runs every change of a store on one connection, one after the other,
// and commits together what was waiting at the same moment (group commit):
// flushing to the disk is what a durable write costs, and one flush serves all.
// Each change stands in a savepoint, so that one that fails takes nothing back
// of the others.
type writer struct {
	conn       *sql.Conn
	statements map[string]*sql.Stmt
	jobs       chan job      // unbuffered: a job that was taken will be answered
	quit, done chan struct{} // closed to end, and when ended
	closed     error
}

type job struct {
	change func(*writer) error
	answer chan<- error
}

// batch is the largest number of changes in one transaction.
const batch = 256

// startWriter brings the file up to date.
func startWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, conn); err != nil {
		conn.Close()
		return nil, err
	}
	w := &writer{
		conn: conn, statements: map[string]*sql.Stmt{},
		jobs: make(chan job), quit: make(chan struct{}), done: make(chan struct{}),
	}
	go w.loop()
	return w, nil
}

// do runs a change in a transaction and waits until it is on the disk. A ctx that
// ends keeps a change from being taken. One that was taken is waited for, at
// most as long as another process may hold the lock: the change writes into its
// caller's variables.
func (w *writer) do(ctx context.Context, change func(*writer) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	answer := make(chan error, 1)
	select {
	case w.jobs <- job{change, answer}:
		return <-answer
	case <-ctx.Done():
		return ctx.Err()
	case <-w.quit:
		return ErrClosed
	}
}

// stop ends the writer after the batch under way. It is called once.
func (w *writer) stop() error {
	close(w.quit)
	<-w.done
	return w.closed
}

func (w *writer) loop() {
	defer close(w.done)
	for {
		select {
		case first := <-w.jobs:
			w.commit(w.gather(first))
		case <-w.quit:
			for _, s := range w.statements {
				w.closed = errors.Join(w.closed, s.Close())
			}
			w.closed = errors.Join(w.closed, w.conn.Close())
			return
		}
	}
}

// gather takes the jobs that wait now.
func (w *writer) gather(first job) []job {
	jobs := []job{first}
	for len(jobs) < batch {
		select {
		case j := <-w.jobs:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// commit makes the changes in one transaction and answers every job.
func (w *writer) commit(jobs []job) {
	errs := make([]error, len(jobs))
	err := w.exec("BEGIN IMMEDIATE")
	for i := range jobs {
		if err != nil {
			break
		}
		errs[i], err = w.try(jobs[i].change)
	}
	if err == nil {
		err = w.exec("COMMIT")
	}
	if err != nil { // nothing was kept; SQLite may have rolled back by itself already
		_ = w.exec("ROLLBACK")
	}
	for i, j := range jobs {
		if errs[i] == nil {
			errs[i] = err
		}
		j.answer <- errs[i]
	}
}

// try makes one change. The first error is the change's own, the second one
// ends the transaction.
func (w *writer) try(change func(*writer) error) (failed, fatal error) {
	if err := w.exec("SAVEPOINT change"); err != nil {
		return nil, err
	}
	failed = change(w)
	if failed != nil {
		if err := w.exec("ROLLBACK TO change"); err != nil {
			return failed, err
		}
	}
	return failed, w.exec("RELEASE change")
}

// exec and row run a statement that is compiled once. They are for changes: the
// writer's goroutine alone may call them. A cancelled context does not reach a
// statement: half a batch would be lost with it.
func (w *writer) exec(query string, args ...any) error {
	_, err := w.count(query, args...)
	return err
}

// count is exec that returns the number of rows it changed.
func (w *writer) count(query string, args ...any) (int64, error) {
	s, err := w.statement(query)
	if err != nil {
		return 0, err
	}
	r, err := s.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (w *writer) row(query string, args ...any) scanner {
	s, err := w.statement(query)
	if err != nil {
		return failedRow{err}
	}
	return s.QueryRowContext(context.Background(), args...)
}

func (w *writer) rows(query string, args ...any) (*sql.Rows, error) {
	s, err := w.statement(query)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(context.Background(), args...)
}

func (w *writer) statement(query string) (*sql.Stmt, error) {
	if s := w.statements[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err == nil {
		w.statements[query] = s
	}
	return s, err
}

// scanner is a row or an iteration over rows.
type scanner interface{ Scan(...any) error }

type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

// change runs a change of the store for the operation it is part of.
func (s *Store) change(ctx context.Context, operation string, f func(*writer) error) error {
	if s.writer == nil {
		return s.fail(operation, ErrReadOnly)
	}
	return s.fail(operation, s.writer.do(ctx, f))
}
