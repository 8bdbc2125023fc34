package data

import (
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode/utf8"
)

// Error says what is wrong with a source or its file, and where. Every error of
// [Source.Validate], [Source.Key] and [Load] is one, except that of a context.
// It is one line.
type Error struct {
	Key    string // the setting to blame, as study files write it: "split.valid"; may be empty
	Path   string // the file; empty if the settings alone are wrong
	Line   int    // in the file, from 1; 0 if no single line is wrong
	Column string // name of the column; may be empty
	Err    error  // what is wrong and what to do
}

// Error is the message, in one line.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Path != "" {
		fmt.Fprintf(&b, "read %s: ", e.Path)
	} else {
		b.WriteString("data: ")
		if e.Key != "" {
			fmt.Fprintf(&b, "%s: ", e.Key)
		}
	}
	if e.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", e.Line)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %s: ", quote(e.Column))
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause, such as [fs.ErrNotExist].
func (e *Error) Unwrap() error { return e.Err }

// fault is an error of a setting.
func fault(key, format string, args ...any) *Error {
	return &Error{Key: key, Err: fmt.Errorf(format, args...)}
}

// ioFault is an error of opening or reading a file. That of a context stays
// what it is.
func ioFault(key, path string, line int, err error) error {
	if cancelled(err) {
		return err
	}
	var e *Error
	if errors.As(err, &e) {
		return err
	}
	if corrupt := flate.CorruptInputError(0); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.As(err, &corrupt) {
		return &Error{Key: key, Path: path, Err: fmt.Errorf("the packed file is damaged or cut off; fetch it again (%w)", err)}
	}
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // it would repeat the path
	}
	return &Error{Key: key, Path: path, Line: line, Err: err}
}

// quote writes foreign text on one line and not too long.
func quote(s string) string {
	const most = 40
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return fmt.Sprintf("%q", s)
}
