package devserver

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Each way in which a file can be gone, and what is none.
func TestAlive(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(dir string) error
		want string // of the reason; "": nothing is gone
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"written", func(dir string) error { return os.WriteFile(filepath.Join(dir, "lock"), []byte("x"), 0o600) }, ""},
		{"moved, with a link in its place", func(dir string) error {
			return errors.Join(os.Rename(dir, dir+".new"), os.Symlink(dir+".new", dir))
		}, ""},
		{"directory removed", os.RemoveAll, "the state directory"},
		{"directory moved", func(dir string) error { return os.Rename(dir, dir+".new") }, "is gone: ended"},
		{"directory replaced", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700)) }, "is not the one that it was: ended"},
		{"file in its place", func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) }, "is not the one"},
		{"parent replaced", func(dir string) error {
			p := filepath.Dir(dir)
			return errors.Join(os.RemoveAll(p), os.WriteFile(p, nil, 0o600))
		}, "cannot be looked at any more (not a directory): ended"},
		{"lock removed", func(dir string) error { return os.Remove(filepath.Join(dir, "lock")) }, "the lock"},
		{"lock replaced", func(dir string) error {
			lock := filepath.Join(dir, "lock")
			return errors.Join(os.WriteFile(lock+".new", nil, 0o600), os.Rename(lock+".new", lock))
		}, "the lock"},
		{"unreadable", func(dir string) error {
			if os.Getuid() == 0 { // who may read everything
				return os.RemoveAll(dir)
			}
			return os.Chmod(dir, 0)
		}, "the "},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "parent", "state")
			if err := os.MkdirAll(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
			lock, err := tryLock(filepath.Join(dir, "lock"), exclusive)
			if err != nil {
				t.Fatal(err)
			}
			defer lock.Close()
			a := &Alive{}
			a.KeepProgram()
			if err := errors.Join(a.Keep("the state directory", dir), a.KeepOpen("the lock", lock.Name(), lock), a.Look()); err != nil {
				t.Fatal(err)
			}
			if err := c.do(dir); err != nil {
				t.Fatal(err)
			}
			err = a.Look()
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrGone) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if err := (*Alive)(nil).Look(); err != nil {
		t.Error(err)
	}
}

// A file that is away for a moment is not gone.
func TestAliveWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "lock")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		a := &Alive{}
		if err := a.Keep("the lock", path); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		began, ended := time.Now(), make(chan error, 1)
		go func() { ended <- a.Wait(ctx) }()
		wait := func(d time.Duration) {
			time.Sleep(d)
			synctest.Wait()
		}
		for range 5 {
			if err := os.Rename(path, path+".away"); err != nil {
				t.Fatal(err)
			}
			wait((goneLooks - 1) * lookEvery)
			if err := os.Rename(path+".away", path); err != nil {
				t.Fatal(err)
			}
			wait(lookEvery)
		}
		select {
		case err := <-ended:
			t.Fatalf("after %v: %v", time.Since(began), err)
		default:
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		if err := <-ended; !errors.Is(err, ErrGone) || time.Since(began) > goneLooks*lookEvery {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		go func() { ended <- a.Wait(ctx) }()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the context has ended: %v", err)
		}
	})
}
