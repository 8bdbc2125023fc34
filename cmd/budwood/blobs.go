package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"budwood/cmd/budwood/s3"
	"budwood/data"
	"budwood/study"
	"budwood/trials/blob"
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

// dataFiles is the place of the studies' data among the blobs, and of local copies.
func (a *app) dataFiles(blobs blob.Store) *blob.DataFiles {
	return &blob.DataFiles{Blobs: blobs, Dir: filepath.Join(a.home, "data"), Max: a.dataCache, Shared: a.sharedData()}
}

// keepData stores a study's data where its workers find it.
func (a *app) keepData(spec *study.Spec) error {
	if spec.Data == nil {
		return nil
	}
	blobs, err := a.makeBlobs()
	if err != nil {
		return err
	}
	return spec.KeepData(a.ctx, a.dataFiles(blobs))
}

// openBlobs opens the place of the checkpoints.
func (a *app) openBlobs() (blob.Store, error) {
	if strings.HasPrefix(a.blobs, s3.Scheme) {
		return s3.Open(a.ctx, a.blobs)
	}
	if st, err := os.Stat(a.blobs); err == nil && !st.IsDir() {
		return nil, fmt.Errorf("--blobs: %s is not a directory", a.blobs)
	}
	return blob.Dir(a.blobs), nil
}

// makeBlobs opens it for writing.
func (a *app) makeBlobs() (blob.Store, error) {
	blobs, err := a.openBlobs()
	if err == nil {
		err = a.makeDir(blobs)
	}
	return blobs, err
}

// makeDir makes the directory of checkpoints, if it is one; in a state directory,
// which must be there.
func (a *app) makeDir(blobs blob.Store) error {
	dir, ok := blobs.(blob.Dir)
	if !ok {
		return nil
	}
	path := string(dir)
	if filepath.Dir(path) != a.home {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.Mkdir(path, 0o755); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// keepBlobs watches over the directory of checkpoints.
func (a *app) keepBlobs(blobs blob.Store) error {
	if dir, ok := blobs.(blob.Dir); ok {
		return a.alive.Keep("the directory of checkpoints", string(dir))
	}
	return nil
}

// sharedData is where the workers of this machine decode a data set once for all.
func (a *app) sharedData() *data.Shared {
	return &data.Shared{Dir: filepath.Join(a.home, "decoded"), Max: a.dataCache, Log: func(text string) {
		log := a.log()
		log.Warn().Msg(text)
	}}
}
