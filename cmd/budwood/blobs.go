package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"budwood/cmd/budwood/s3"
	"budwood/trials"
)

// blobsURL is where checkpoints are, as openBlobs takes it: the URL of a bucket,
// or the absolute path of a directory.
func blobsURL(home, given string) (string, error) {
	scheme, _, isURL := strings.Cut(given, "://")
	switch {
	case given == "":
		return filepath.Join(home, "blobs"), nil
	case !isURL:
		return filepath.Abs(given)
	case scheme == "s3":
		return given, nil
	case scheme == "file":
		if u, err := url.Parse(given); err == nil && u.Host == "" && filepath.IsAbs(u.Path) {
			return filepath.Clean(u.Path), nil
		}
		return "", usageError{fmt.Errorf("--blobs: %s has no absolute path, like file:///mnt/blobs", given)}
	}
	return "", usageError{fmt.Errorf("--blobs: %s: give a directory, file:///directory or s3://bucket/prefix", given)}
}

// openBlobs opens the place of the checkpoints.
func (a *app) openBlobs() (trials.Blobs, error) {
	if strings.HasPrefix(a.blobs, s3.Scheme) {
		return s3.Open(a.ctx, a.blobs)
	}
	if st, err := os.Stat(a.blobs); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("--blobs: %s is no directory", a.blobs)
	}
	return trials.Dir(a.blobs), nil
}
