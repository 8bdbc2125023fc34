// Package iterator has the end of a list, which the Temporal server looks for
// when it reads from Google Cloud Storage.
package iterator

import "errors"

var Done = errors.New("no more items in iterator")
