// Package pgconn has the error of a PostgreSQL server, which none ever returns.
package pgconn

type PgError struct{ Code, Message string }

func (e *PgError) Error() string { return e.Message }
