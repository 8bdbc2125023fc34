package trials

import (
	"context"
	"io"
)

// Blobs keeps checkpoints by key. Keys are slash-separated. An error that is
// neither of the key nor wraps fs.ErrNotExist is trouble of the machine or the
// network: what failed may be tried again.
type Blobs interface {
	// Put stores what write produces, whole or not at all.
	Put(ctx context.Context, key string, write func(io.Writer) error) error
	// Get opens a blob; the error wraps fs.ErrNotExist if there is none.
	Get(ctx context.Context, key string) (io.ReadCloser, error)
	// List returns every blob whose key begins with prefix, a whole path element,
	// in the order of their keys; "" is the prefix of all.
	List(ctx context.Context, prefix string) ([]Blob, error)
	// DeleteAll removes every blob whose key begins with prefix, a whole path
	// element, except those in keep.
	DeleteAll(ctx context.Context, prefix string, keep ...string) error
}

// Blob is an entry of a list.
type Blob struct {
	Key  string
	Size int64 // bytes
}
