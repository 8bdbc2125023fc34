package store

import (
	"errors"
	"fmt"
)

// Errors that a caller can tell apart with errors.Is.
var (
	ErrNoStore  = errors.New("there is no store yet; the first study creates it")
	ErrNoStudy  = errors.New("no such study")
	ErrNoTrial  = errors.New("no such trial")
	ErrDamaged  = errors.New("the file is damaged or is no SQLite database; move it away (a new one is created) or restore a copy")
	ErrForeign  = errors.New("the file is a SQLite database of another program; give another path")
	ErrNewer    = errors.New("the store was written by a newer version of budwood")
	ErrOlder    = errors.New("the store was written by an older version of budwood; run a study on it once to bring it up to date")
	ErrReadOnly = errors.New("the store is open for reading only")
	ErrClosed   = errors.New("the store is closed")
)

// The result codes of SQLite that mean something to a user
// (https://www.sqlite.org/rescode.html).
const (
	codeBusy       = 5
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeConstraint = 19
	codeNotADB     = 26
)

// explain turns an error of the file or of SQLite into one line that names the
// file and says what to do.
func (s *Store) explain(err error) error {
	advice := ""
	switch sqliteCode(err) {
	case codeCorrupt, codeNotADB:
		return fmt.Errorf("store %s: %w (%v)", s.path, ErrDamaged, err)
	case codeReadOnly, codeCantOpen:
		advice = "; the file and its directory must be writable"
		if s.write == nil {
			advice = "; the file must be readable"
		}
	case codeBusy:
		advice = fmt.Sprintf("; another process has held the store for more than %v", busyTimeout)
	case codeFull:
		advice = "; make room on the disk"
	case codeIO:
		advice = "; check the disk"
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("store %s: %w%s", s.path, err, advice)
}

// fail names the operation that failed, and the file if it is the file's fault.
func (s *Store) fail(operation string, err error) error {
	if err == nil {
		return nil
	}
	if sqliteCode(err) != 0 || errors.Is(err, ErrReadOnly) || errors.Is(err, ErrClosed) {
		err = s.explain(err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}
