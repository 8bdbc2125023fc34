// Package blobtest is the conformance suite of blob stores.
package blobtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"budwood/trials/blob"
)

// Run holds an empty blob store to what [blob.Store] promises. big is a number
// of bytes that the store has to take in several pieces; 0 if it has none.
func Run(t *testing.T, b blob.Store, big int) {
	ctx := t.Context()
	put := func(key, text string) {
		t.Helper()
		if err := b.Put(ctx, key, func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			t.Fatal(err)
		}
	}
	get := func(key string) string {
		t.Helper()
		f, err := b.Get(ctx, key)
		if err != nil {
			t.Fatalf("get %s: %v", key, err)
		}
		defer f.Close()
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatalf("read %s: %v", key, err)
		}
		return string(text)
	}
	keys := func(prefix string) (out []string) {
		t.Helper()
		list, err := b.List(ctx, prefix)
		if err != nil {
			t.Fatalf("list %q: %v", prefix, err)
		}
		for _, e := range list {
			out = append(out, e.Key)
		}
		return out
	}
	want := func(what string, got []string, want ...string) {
		t.Helper()
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	absent := func(key string) {
		t.Helper()
		f, err := b.Get(ctx, key)
		if err == nil {
			f.Close()
		}
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("get %s, which is not there: %v, want fs.ErrNotExist", key, err)
		}
	}

	absent("studies/a/t0000/part")
	want("an empty store", keys(""))
	if err := b.DeleteAll(ctx, "studies/a"); err != nil {
		t.Errorf("delete nothing: %v", err)
	}

	put("studies/a/t0001/part", "one")
	put("studies/a/t0001/part", "two") // replaces
	put("studies/a/t0001/empty", "")
	put("studies/a/t0002/e0009", "other trial")
	put("studies/ab/t0001/part", "other study")
	put("output/a/t0001", "odd + chars: ü, %20 & ?")
	if got := get("studies/a/t0001/part"); got != "two" {
		t.Errorf("a blob put twice holds %q", got)
	}
	if got := get("studies/a/t0001/empty"); got != "" {
		t.Errorf("an empty blob holds %q", got)
	}
	if got := get("output/a/t0001"); got != "odd + chars: ü, %20 & ?" {
		t.Errorf("a blob holds %q", got)
	}
	want("a prefix is a whole element", keys("studies/a"), "studies/a/t0001/empty", "studies/a/t0001/part", "studies/a/t0002/e0009")
	want("all", keys(""), "output/a/t0001", "studies/a/t0001/empty", "studies/a/t0001/part", "studies/a/t0002/e0009", "studies/ab/t0001/part")
	if list, _ := b.List(ctx, "output"); len(list) != 1 || list[0].Size != int64(len("odd + chars: ü, %20 & ?")) {
		t.Errorf("list with sizes: %v", list)
	}

	// What fails on the way is not there, and what was there stays.
	broken := errors.New("the disk of the network is full")
	for _, size := range []int{10, big} {
		fail := func(w io.Writer) error {
			_, err := w.Write(make([]byte, size))
			return errors.Join(err, broken)
		}
		for _, key := range []string{"studies/a/t0003/part", "studies/a/t0001/part"} {
			if err := b.Put(ctx, key, fail); !errors.Is(err, broken) {
				t.Errorf("a put that fails says %v", err)
			}
		}
	}
	absent("studies/a/t0003/part")
	if got := get("studies/a/t0001/part"); got != "two" {
		t.Errorf("after a failed put the blob holds %q", got)
	}

	if big > 0 {
		data := make([]byte, big)
		for i := range data {
			data[i] = byte(i*i>>8 ^ i)
		}
		err := b.Put(ctx, "studies/a/t0004/big", func(w io.Writer) error {
			_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{bytes.NewReader(data)}, make([]byte, 100_001))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := get("studies/a/t0004/big"); got != string(data) {
			t.Errorf("%d bytes came back as %d others", big, len(got))
		}
	}

	// A reader sees the old blob or the new one, never a mixture.
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 5 {
				text := strings.Repeat(fmt.Sprintf("%d-%d;", w, i), 5000)
				if err := b.Put(ctx, "studies/a/t0005/part", func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
					t.Error(err)
					return
				}
				f, err := b.Get(ctx, "studies/a/t0005/part")
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(f)
				f.Close()
				part, _, ok := strings.Cut(string(got), ";")
				if err != nil || !ok || string(got) != strings.Repeat(part+";", 5000) {
					t.Errorf("a blob read while it is written is a mixture: %d bytes, %v", len(got), err)
				}
			}
		})
	}
	wg.Wait()

	if err := b.DeleteAll(ctx, "studies/a", "studies/a/t0002/e0009", "studies/none"); err != nil {
		t.Fatal(err)
	}
	want("deleted but one", keys(""), "output/a/t0001", "studies/a/t0002/e0009", "studies/ab/t0001/part")
	absent("studies/a/t0001/part")
	if got := get("studies/a/t0002/e0009"); got != "other trial" {
		t.Errorf("the one that was kept holds %q", got)
	}

	for _, prefix := range []string{"studies", "output"} {
		if err := b.DeleteAll(ctx, prefix); err != nil {
			t.Fatal(err)
		}
	}
	want("all deleted", keys(""))
}
