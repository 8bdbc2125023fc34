// Package storage stands in for the client of Google Cloud Storage, which the
// Temporal server links in to archive closed workflows there. No client can be
// made, so no other method is ever called.
package storage

import (
	"context"
	"errors"

	"google.golang.org/api/option"
)

const ScopeFullControl = "https://www.googleapis.com/auth/devstorage.full_control"

var errUnavailable = errors.New("budwood's embedded Temporal server cannot archive to Google Cloud Storage; use a Temporal server of your own")

type (
	Client         struct{}
	BucketHandle   struct{}
	ObjectHandle   struct{}
	ObjectIterator struct{}
	Reader         struct{}
	Writer         struct{}
	BucketAttrs    struct{}
	ObjectAttrs    struct{ Name string }
	Query          struct{ Prefix string }
)

func NewClient(context.Context, ...option.ClientOption) (*Client, error) { return nil, errUnavailable }

func (*Client) Bucket(string) *BucketHandle { return nil }

func (*BucketHandle) Object(string) *ObjectHandle                     { return nil }
func (*BucketHandle) Objects(context.Context, *Query) *ObjectIterator { return nil }
func (*BucketHandle) Attrs(context.Context) (*BucketAttrs, error)     { return nil, errUnavailable }
func (*ObjectIterator) Next() (*ObjectAttrs, error)                   { return nil, errUnavailable }
func (*ObjectHandle) NewWriter(context.Context) *Writer               { return nil }
func (*ObjectHandle) NewReader(context.Context) (*Reader, error)      { return nil, errUnavailable }
func (*ObjectHandle) Attrs(context.Context) (*ObjectAttrs, error)     { return nil, errUnavailable }
func (*Writer) Write([]byte) (int, error)                             { return 0, errUnavailable }
func (*Writer) Close() error                                          { return errUnavailable }
func (*Writer) CloseWithError(error) error                            { return errUnavailable }
func (*Reader) Read([]byte) (int, error)                              { return 0, errUnavailable }
func (*Reader) Close() error                                          { return errUnavailable }
