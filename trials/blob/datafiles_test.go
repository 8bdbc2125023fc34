package blob

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"budwood/data"
)

// far is a store of blobs that is not a directory of this machine.
type far struct {
	Store
	puts, gets atomic.Int64
	trouble    atomic.Pointer[error]
}

func (f *far) Put(ctx context.Context, key string, write func(io.Writer) error) error {
	f.puts.Add(1)
	return f.Store.Put(ctx, key, write)
}

func (f *far) Get(ctx context.Context, key string) (io.ReadCloser, error) {
	f.gets.Add(1)
	if err := f.trouble.Load(); err != nil {
		return nil, *err
	}
	return f.Store.Get(ctx, key)
}

func table(t *testing.T, text string) data.Source {
	t.Helper()
	path := filepath.Join(t.TempDir(), "t.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return data.Source{CSV: path, Target: "y"}
}

const rows = "a,y\n1,u\n2,v\n3,u\n4,v\n5,u\n6,v\n7,u\n8,v\n9,u\n0,v\n"

// What a study was submitted with is what every worker reads, wherever the blobs
// are and whatever becomes of the file.
func TestDataFiles(t *testing.T) {
	ctx := t.Context()
	for _, isFar := range []bool{false, true} {
		dir := Dir(t.TempDir())
		var blobs Store = dir
		if isFar {
			blobs = &far{Store: dir}
		}
		s, err := (&DataFiles{Blobs: blobs}).Keep(ctx, table(t, rows))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(s.CSV, []byte("a,y\n1,other\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cache := data.Cache{Files: &DataFiles{Blobs: blobs, Dir: t.TempDir()}}
		d, err := cache.Load(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.ClassNames) != 2 || d.ClassNames[1] != "v" {
			t.Errorf("the worker reads %q", d.ClassNames)
		}
		s.CSV = "/elsewhere.csv" // another submitter's path, the same file
		if again, err := cache.Load(ctx, s); err != nil || again != d {
			t.Errorf("the same file is loaded again: %v", err)
		}
		if err := (&DataFiles{Blobs: blobs}).Drop(ctx, []data.Source{s}); err != nil {
			t.Fatal(err)
		}
		if list, err := blobs.List(ctx, ""); err != nil || len(list) != 1 {
			t.Errorf("the file of another study is gone: %v, %v", list, err)
		}
		if err := (&DataFiles{Blobs: blobs}).Drop(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if list, err := blobs.List(ctx, ""); err != nil || len(list) != 0 {
			t.Errorf("left: %v, %v", list, err)
		}
	}
}

func TestDataFilesAreKeptOnce(t *testing.T) {
	f := &far{Store: Dir(t.TempDir())}
	for range 3 {
		if _, err := (&DataFiles{Blobs: f}).Keep(t.Context(), table(t, rows)); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.puts.Load(); n != 1 {
		t.Errorf("stored %d times, want once", n)
	}
}

// A local copy that is cut off or altered is fetched again; a blob that is so is
// refused, and mended by whoever submits the file again.
func TestDataFilesDamage(t *testing.T) {
	ctx := t.Context()
	spoil := func(path string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(strings.Replace(rows, "1,u", "1,v", 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	blobs := Dir(t.TempDir())
	src := table(t, rows)
	s, err := (&DataFiles{Blobs: blobs}).Keep(ctx, src)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Digests["csv"]
	f := &far{Store: blobs}
	local := &DataFiles{Blobs: f, Dir: t.TempDir()}
	path, err := local.Path(ctx, d)
	if err != nil {
		t.Fatal(err)
	}
	spoil(path)
	if path, err = local.Path(ctx, d); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != rows {
		t.Errorf("%q, %v", b, err)
	}
	blob := filepath.Join(string(blobs), "data", d.SHA256)
	spoil(blob)
	for _, files := range []*DataFiles{{Blobs: blobs}, {Blobs: f, Dir: t.TempDir()}} {
		var e *data.Error
		if _, err := (&data.Cache{Files: files}).Load(ctx, s); !errors.As(err, &e) || e.Key != "csv" || !strings.Contains(err.Error(), "damaged: submit the study again") {
			t.Errorf("a damaged blob: %v", err)
		}
	}
	if _, err := (&DataFiles{Blobs: blobs}).Keep(ctx, src); err != nil {
		t.Fatal(err)
	}
	if _, err := (&DataFiles{Blobs: blobs}).Path(ctx, d); err != nil {
		t.Errorf("submitted again: %v", err)
	}
	if err := os.Remove(blob); err != nil {
		t.Fatal(err)
	}
	var e *data.Error
	if _, err := (&DataFiles{Blobs: f, Dir: t.TempDir()}).Path(ctx, d); !errors.As(err, &e) || !strings.Contains(err.Error(), "submit the study again") {
		t.Errorf("a missing blob: %v", err)
	}
	trouble := errors.New("no route to host")
	f.trouble.Store(&trouble)
	e = nil
	if _, err := (&DataFiles{Blobs: f, Dir: t.TempDir()}).Path(ctx, d); !errors.Is(err, trouble) || errors.As(err, &e) {
		t.Errorf("trouble of the moment: %v", err)
	}
}

// The copies have no more than so many bytes, and those used last stay.
func TestDataFilesAreBounded(t *testing.T) {
	ctx := t.Context()
	f := &far{Store: Dir(t.TempDir())}
	dir := t.TempDir()
	local := &DataFiles{Blobs: f, Dir: dir, Max: 2500}
	var digests []data.Digest
	for _, c := range []string{"a", "b", "c"} {
		s, err := (&DataFiles{Blobs: f}).Keep(ctx, table(t, strings.Repeat(c, 1000)))
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, s.Digests["csv"])
	}
	for _, i := range []int{0, 1, 0, 2, 0} { // 1 has to go for 2
		if _, err := local.Path(ctx, digests[i]); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.gets.Load(); n != 3 {
		t.Errorf("fetched %d times, want 3", n)
	}
	if _, err := os.Stat(filepath.Join(dir, digests[1].SHA256)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was used least lately stays: %v", err)
	}
	var wg sync.WaitGroup
	for range 8 { // whoever takes part, everyone reads what is right
		for _, d := range digests {
			wg.Go(func() {
				path, err := (&DataFiles{Blobs: f, Dir: dir}).Path(ctx, d)
				if err == nil {
					var got data.Digest
					if got, err = data.DigestFile(ctx, path); err == nil && got != d {
						err = errDamaged
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}
