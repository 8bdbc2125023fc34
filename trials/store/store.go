// Package store keeps studies, their trials and what was measured of them in one
// SQLite file. The process that owns the file writes it; any number of others read
// it. It knows what came of a segment ([segment.Report]), not how it was trained.
package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/mattn/go-sqlite3"
)

// Store keeps studies and their trials in one SQLite file. It is safe for
// concurrent use.
//
// One process is meant to write a file, and any number to read it meanwhile
// ([OpenReadOnly]). More writers do no harm: they wait for each other.
//
// A write that returned without an error is on the disk and survives a power
// cut (WAL with synchronous=full). The weaker synchronous=normal survives only
// the death of the process: after a power cut the store could have forgotten
// a result that Temporal believes to be kept. What a flush costs is shared by
// all writes that wait at the same moment: see writer.
type Store struct {
	Now func() time.Time // the clock; nil means time.Now. Set it before the first use

	path   string
	read   *sql.DB
	write  *sql.DB // nil in a store opened for reading
	writer *writer
	cache  recordCache
	close  sync.Once
}

// busyTimeout is how long a connection waits for another process's lock.
const busyTimeout = 10 * time.Second

// Open opens the store at path for writing. It creates the file and its
// directory if they do not exist, and brings an older file up to date.
func Open(path string) (*Store, error) {
	s, err := newStore(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return nil, fmt.Errorf("store %s: create its directory: %w", s.path, err)
	}
	s.read = connect(s.path, "mode=ro&_query_only=on")
	s.write = connect(s.path, "mode=rwc&_synchronous=full&_foreign_keys=on")
	if s.writer, err = startWriter(context.Background(), s.write); err != nil {
		s.closeDBs() // what failed before says more
		return nil, s.explain(err)
	}
	return s, nil
}

// newStore is a store that is not open yet.
func newStore(path string) (*Store, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	return &Store{path: whole}, nil
}

// OpenReadOnly opens an existing store for reading, also while another process
// writes it. The error wraps [ErrNoStore] if there is none.
func OpenReadOnly(path string) (*Store, error) {
	s, err := newStore(path)
	if err != nil {
		return nil, err
	}
	if !exists(s.path) {
		return nil, fmt.Errorf("store %s: %w", s.path, ErrNoStore)
	}
	ctx := context.Background()
	s.read = connect(s.path, "mode=ro&_query_only=on")
	err = checkVersion(ctx, s.read)
	if code := sqliteCode(err); (code == codeCantOpen || code == codeReadOnly) && !exists(s.path+"-wal") {
		// A directory that cannot be written, where nobody writes: without a
		// log beside it the file holds everything and may be read as it is.
		s.read.Close()
		s.read = connect(s.path, "immutable=1&mode=ro&_query_only=on")
		err = checkVersion(ctx, s.read)
	}
	if err != nil {
		s.closeDBs()
		return nil, s.explain(err)
	}
	return s, nil
}

// Close ends the store after the writes under way.
func (s *Store) Close() error {
	var err error
	s.close.Do(func() {
		if s.writer != nil {
			err = s.writer.stop()
		}
		err = errors.Join(err, s.closeDBs())
	})
	return s.explain(err)
}

// Path is the store's file.
func (s *Store) Path() string { return s.path }

func (s *Store) closeDBs() error {
	var err error
	for _, db := range []*sql.DB{s.read, s.write} { // the writer last: it removes the log
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return err
}

func (s *Store) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// connect prepares a pool of connections; nothing is opened yet.
func connect(path, options string) *sql.DB {
	return sql.OpenDB(connector{sqlite, fmt.Sprintf("file:%s?%s&_busy_timeout=%d",
		(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), options, busyTimeout.Milliseconds())})
}

// sqlite is the driver. Tests put one that fails in front of it.
var sqlite driver.Driver = &sqlite3.SQLiteDriver{}

type connector struct {
	driver driver.Driver
	name   string // of the file, with options
}

func (c connector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.name) }
func (c connector) Driver() driver.Driver                        { return c.driver }

// exists reports whether there is a file of that name, or nobody can tell.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
