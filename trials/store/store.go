// Package store keeps studies, their trials and what was measured of them in one
// SQLite file. The process that owns the file writes it; any number of others read
// it. It knows what came of a segment ([segment.Report]), not how it was trained.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3"
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
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("store %s: create its directory: %w", path, err)
	}
	s := &Store{path: path}
	ctx := context.Background()
	if s.write, err = connect(path, "mode=rwc&_synchronous=full&_foreign_keys=on"); err == nil {
		err = prepare(ctx, s.write)
	}
	if err == nil {
		s.read, err = connect(path, "mode=ro&_query_only=on")
	}
	if err == nil {
		s.writer, err = startWriter(ctx, s.write)
	}
	if err != nil {
		s.closeDBs() // what failed before says more
		return nil, s.explain(err)
	}
	return s, nil
}

// OpenReadOnly opens an existing store for reading, also while another process
// writes it. The error wraps [ErrNoStore] if there is none.
func OpenReadOnly(path string) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", path, err)
	}
	s := &Store{path: path}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("store %s: %w", path, ErrNoStore)
	}
	ctx := context.Background()
	if s.read, err = connect(path, "mode=ro&_query_only=on"); err == nil {
		err = checkVersion(ctx, s.read)
	}
	if code := sqliteCode(err); (code == codeCantOpen || code == codeReadOnly) && !exists(path+"-wal") {
		// A directory that cannot be written, where nobody writes: without a
		// log beside it the file holds everything and may be read as it is.
		s.read.Close()
		if s.read, err = connect(path, "immutable=1&mode=ro&_query_only=on"); err == nil {
			err = checkVersion(ctx, s.read)
		}
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

// connect prepares a pool of connections; nothing is opened yet. The writing
// side uses a single connection and begins every transaction as IMMEDIATE: one
// that reads first and writes later could not wait for a lock, only fail.
func connect(path, options string) (*sql.DB, error) {
	name := fmt.Sprintf("file:%s?%s&_busy_timeout=%d",
		(&url.URL{Path: filepath.ToSlash(path)}).EscapedPath(), options, busyTimeout.Milliseconds())
	return sql.Open("sqlite3", name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
