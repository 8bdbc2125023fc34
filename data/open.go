package data

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
)

// open reads a file, unpacked if it is gzip, until the context ends.
func open(ctx context.Context, path string) (io.ReadCloser, error) {
	if _, err := regular(path); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r, err := unpack(contextReader{ctx, f})
	if err != nil {
		f.Close()
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, f}, nil
}

// regular is the size of a file, before it is opened: that may wait for ever on
// a pipe.
func regular(path string) (size int64, err error) {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return 0, err
	case st.IsDir():
		return 0, errors.New("this is a directory; name the file in it")
	case !st.Mode().IsRegular():
		return 0, errors.New("this is not a regular file")
	}
	return st.Size(), nil
}

// readFile reads a whole file; what read says of it is an [*Error].
func readFile[T any](ctx context.Context, f file, read func(io.Reader) (T, error)) (T, error) {
	var zero T
	r, err := open(ctx, f.path)
	if err != nil {
		return zero, ioFault(f.key, f.path, 0, err)
	}
	defer r.Close()
	x, err := read(r)
	if err != nil {
		return zero, ioFault(f.key, f.path, 0, err)
	}
	return x, nil
}

// unpack reads through gzip if the first bytes say so.
func unpack(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 1<<16)
	if head, _ := b.Peek(2); string(head) != "\x1f\x8b" {
		return b, nil // an error of reading comes back with the first read
	}
	return gzip.NewReader(b)
}

// contextReader stops reading when the context ends.
type contextReader struct {
	ctx context.Context
	f   *os.File
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.f.Read(p)
}

func (c contextReader) ReadAt(p []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.f.ReadAt(p, off)
}
