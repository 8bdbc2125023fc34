package blob_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"budwood/data"
	"budwood/trials/blob"
	"budwood/trials/blob/blobtest"
)

func TestDir(t *testing.T) {
	dir := t.TempDir()
	blobtest.Run(t, blob.Dir(dir), 1<<20)
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("directories are left: %v, %v", left, err)
	}
}

func TestDirIsNotLeft(t *testing.T) {
	for _, key := range []string{"../a", "/a", "a/../../b"} {
		if _, err := blob.Dir(t.TempDir()).Get(t.Context(), key); err == nil || os.IsNotExist(err) {
			t.Errorf("get %s: %v", key, err)
		}
	}
}

// A directory that is not there says nothing about its blobs, and does not come back
// because somebody writes into it: it was removed, or is not mounted for a moment.
func TestDirThatIsGone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "blobs")
	dir := blob.Dir(path)
	digest := data.Digest{SHA256: "00", Size: 1}
	if _, err := dir.Get(t.Context(), "studies/a/t0000/part"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get: %v", err)
	}
	put := func(w io.Writer) error { return nil }
	if err := dir.Put(t.Context(), "studies/a/t0000/part", put); err == nil {
		t.Error("put: no error")
	}
	var lost *data.Error
	if _, err := (&blob.DataFiles{Blobs: dir}).Path(t.Context(), digest); err == nil || errors.As(err, &lost) {
		t.Errorf("path: %v, want an error that trying again may mend", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it came back: %v", err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Get(t.Context(), "studies/a/t0000/part"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("get from an empty directory: %v", err)
	}
	if _, err := (&blob.DataFiles{Blobs: dir}).Path(t.Context(), digest); !errors.As(err, &lost) {
		t.Errorf("path in an empty directory: %v", err)
	}
}
