// Package blob keeps large pieces of bytes by key: checkpoints, the data files of
// studies, and what commands print. A [Store] may be a directory ([Dir]) or a
// bucket; blobtest has the conformance suite.
package blob

import (
	"context"
	"io"
)

// Store keeps blobs by key. Keys are separated by slashes. An error that is neither
// of the key nor wraps fs.ErrNotExist is trouble of the machine or the network: the
// call may be repeated.
type Store interface {
	// Put stores what write produces, whole or not at all.
	Put(ctx context.Context, key string, write func(io.Writer) error) error
	// Get opens a blob; the error wraps fs.ErrNotExist if there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List returns every blob whose key begins with prefix, a whole path element,
	// in the order of their keys; "" is the prefix of all.
	List(ctx context.Context, prefix string) ([]Info, error)
	// DeleteAll removes every blob whose key begins with prefix, a whole path
	// element, except those in keep.
	DeleteAll(ctx context.Context, prefix string, keep ...string) error
}

// Info is an entry of a list.
type Info struct {
	Key  string
	Size int64 // bytes
}
