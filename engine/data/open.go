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
	st, err := os.Stat(path) // before opening, which may wait for ever on a pipe
	if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, errors.New("this is a directory; name the file in it")
	}
	if !st.Mode().IsRegular() {
		return nil, errors.New("this is not a regular file")
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
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
