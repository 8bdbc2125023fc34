// Package pgx stands in for a driver of PostgreSQL, which the Temporal server
// links in. No connection can be made, so no other function is ever called.
package pgx

import "errors"

type (
	ConnConfig struct{}
	Conn       struct{}
	TypeMap    struct{}
)

func ParseConfig(string) (*ConnConfig, error) {
	return nil, errors.New("budwood's embedded Temporal server cannot use PostgreSQL; use a Temporal server of your own")
}

func (*Conn) TypeMap() *TypeMap { return nil }

func (*TypeMap) RegisterDefaultPgType(value any, name string) {}
