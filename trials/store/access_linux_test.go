//go:build cgo

package store

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// asNobody runs f with the file permissions of an ordinary user, even if the
// tests run as root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan bool)
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if err := unix.Setfsuid(65534); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// openDir is a directory that everybody may enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenReadOnlyDirectory(t *testing.T) {
	dir := openDir(t)
	inside := filepath.Join(dir, "readonly")
	if err := os.Mkdir(inside, 0o555); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(inside, "store.db"), filepath.Join(inside, "new", "store.db")} {
		asNobody(t, func() {
			s, err := Open(path)
			if err == nil {
				s.Close()
			}
			oneLine(t, err, nil, filepath.Dir(path))
			if err != nil && !strings.Contains(err.Error(), "writable") && !strings.Contains(err.Error(), "permission denied") {
				t.Errorf("%v: does not say what is wrong", err)
			}
		})
	}
}

// What was written once can be read where nothing can be written.
func TestReaderInReadOnlyDirectory(t *testing.T) {
	dir := filepath.Join(openDir(t), "archive")
	path := filepath.Join(dir, "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, "digits", 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	f := withFaults(t) // that counts connections
	asNobody(t, func() {
		r, err := OpenReadOnly(path)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() {
			if r.Close(); f.open != 0 {
				t.Errorf("%d connections are left open", f.open)
			}
		}()
		if records, err := r.Records(t.Context(), "digits"); err != nil || len(records) != 3 {
			t.Errorf("%d records, %v", len(records), err)
		}
		_, err = Open(path)
		oneLine(t, err, nil, path)
	})
}

// A file that this user may not read is not damaged: a repair leaves it where it is.
func TestRepairOfAnUnreadableFile(t *testing.T) {
	path := filled(t, 2)
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	asNobody(t, func() {
		if _, _, err := Repair(t.Context(), path); err == nil || !strings.HasSuffix(err.Error(), "; the file must be readable") {
			t.Errorf("%v", err)
		}
	})
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if list, _, _ := inspected(t, path); len(list) != 2 {
		t.Errorf("%d trials", len(list))
	}
}
