// Package option has the one option with which the Temporal server makes a
// client of Google Cloud Storage.
package option

import "golang.org/x/oauth2"

type ClientOption struct{}

func WithTokenSource(oauth2.TokenSource) ClientOption { return ClientOption{} }
