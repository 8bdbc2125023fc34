//go:build cgo

package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-sqlite3"
)

// failing lets an operation fail at each use of the database in turn, until nothing is
// left that could. check is called each time: use is what failed, nil at the end.
func failing(t *testing.T, f *faults, operation func() error, check func(use *use, err error)) {
	t.Helper()
	f.seen = map[use]bool{}
	for n := 0; ; n++ {
		if n == 2000 {
			t.Fatal("there is no end of what fails")
		}
		f.arm()
		err := operation()
		use := f.disarm()
		switch {
		case use == nil && err != nil:
			t.Fatalf("after %d faults it fails without one: %v", n, err)
		case use == nil && n == 0:
			t.Fatal("there is nothing in it that could fail")
		case use != nil && err == nil && !use.harmless():
			t.Errorf("%s failed, and nobody says so", use)
		case use != nil && err != nil:
			clear := strings.Contains(err.Error(), "disk I/O error; check the disk") || use.call == "values" && strings.Contains(err.Error(), "Scan error")
			if !clear || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s failed, and it says %q", use, err)
			}
		}
		check(use, err)
		if use == nil {
			return
		}
	}
}

// Whatever fails in a query, it says so or has its result all the same, and succeeds
// when it is asked again.
func TestReadsWithFaults(t *testing.T) {
	f := withFaults(t)
	path := seeded(t)
	lost := connection(t, path, "mode=rw")
	if _, err := lost.ExecContext(t.Context(), "INSERT INTO versions VALUES (99, 'of no study', '{}')"); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, path)
	for name, read := range reads() {
		want, err := read(t.Context(), s)
		if err != nil || reflect.ValueOf(want).IsZero() {
			t.Fatalf("%s: %v, %v", name, want, err)
		}
		s.cache.studies = nil
		var got any
		failing(t, f, func() (err error) {
			got, err = read(t.Context(), s)
			return err
		}, func(use *use, err error) {
			if err == nil && !reflect.DeepEqual(got, want) {
				t.Errorf("%s with %v: %v, want %v", name, use, got, want)
			}
		})
	}
}

// Whatever fails in a change, it says so, nothing has changed, and it succeeds when it
// is asked for again.
func TestWritesWithFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	f := withFaults(t)
	seed := seeded(t)
	before := dump(t, seed)
	for name, write := range writes() {
		s := openStore(t, copied(t, seed))
		s.Now = func() time.Time { return time.UnixMilli(7) }
		if err := write(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		after := dump(t, s.Path())
		if reflect.DeepEqual(after, before) {
			t.Fatalf("%s changes nothing", name)
		}
		s = openStore(t, copied(t, seed))
		s.Now = func() time.Time { return time.UnixMilli(7) }
		failing(t, f, func() error { return write(t.Context(), s) }, func(use *use, err error) {
			now := dump(t, s.Path())
			if name == "Begin" && err != nil && reflect.DeepEqual(now, after) {
				return // it is stored, and could not be read back
			}
			want := after
			if err != nil {
				want = before
			}
			if d := difference(want, now); d != "" {
				t.Errorf("%s with %v (%v) left %s", name, use, err, d)
			}
		})
	}
}

// What is refused leaves nothing, whatever else fails, and its reason is no other one.
func TestRefusedWithFaults(t *testing.T) {
	f := withFaults(t)
	s := openStore(t, seeded(t))
	before := dump(t, s.Path())
	for reason, operation := range map[error]func() error{
		ErrNoTrial: func() error {
			_, err := s.SetAside(t.Context(), "digits", []int{0, 7}, "wrong")
			return err
		},
		ErrNoStudy: func() error {
			_, err := s.Study(t.Context(), "none")
			return err
		},
	} {
		f.seen = map[use]bool{}
		for n := 0; ; n++ {
			f.arm()
			err := operation()
			use := f.disarm()
			refused := use == nil || slices.Contains([]string{"ROLLBACK TO change", "RELEASE change", "COMMIT"}, use.query)
			if err == nil || errors.Is(err, reason) != refused && !(use != nil && use.harmless()) {
				t.Errorf("after %v: %v", use, err)
			}
			if d := difference(before, dump(t, s.Path())); d != "" {
				t.Fatalf("after %v: %s", use, d)
			}
			if use == nil {
				if n < 5 {
					t.Errorf("%v after %d faults", err, n)
				}
				break
			}
		}
	}
	if err := s.Note(t.Context(), "digits", "it goes on"); err != nil {
		t.Error(err)
	}
}

// older is a file as an older version of budwood left it, after n migrations.
func older(t *testing.T, n int) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	conn := connection(t, path, "mode=rw")
	defer conn.Close()
	for i := range n {
		if err := migrate(t.Context(), conn, i+1, steps()[i]); err != nil {
			t.Fatal(err)
		}
	}
	if n == 1 {
		if _, err := conn.ExecContext(t.Context(), `INSERT INTO studies (name, space, objectives, state, best, test, created) VALUES ('old', '[]', '[{}]', 'running', 3, '{"a":1}', 0)`); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Whatever fails while a file is opened, of this version, an older one, or new, it
// is said; nothing stays open, no migration is half done, and it opens the next time.
func TestOpenWithFaults(t *testing.T) {
	var stages []map[string][]string // after so many migrations
	for n := range 3 {
		columns := map[string][]string{}
		for table := range dump(t, older(t, n)) {
			columns[table] = nil
		}
		stages = append(stages, columns)
	}
	files := []string{older(t, 0), older(t, 1), older(t, 2)}
	f := withFaults(t)
	for n, path := range files {
		failing(t, f, func() error {
			s, err := Open(path)
			if err != nil {
				return err
			}
			return s.Close()
		}, func(use *use, err error) {
			if f.open != 0 {
				t.Fatalf("%s leaves %d connections open", use, f.open)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "store "+path+": ") {
				t.Errorf("%s failed, and it says %q", use, err)
			}
			db := connect(path, "mode=ro")
			defer db.Close()
			version, err := fileVersion(t.Context(), db)
			if err != nil || version < n || use == nil && version != 2 {
				t.Errorf("version %d after %v, of one of version %d: %v", version, use, n, err)
				return
			}
			if d := cmp.Diff(slices.Sorted(maps.Keys(stages[version])), slices.Sorted(maps.Keys(dump(t, path)))); d != "" {
				t.Errorf("version %d after %v: %s", version, use, d)
			}
		})
		if n != 1 {
			continue
		}
		s := openStore(t, path)
		if st, err := s.Study(t.Context(), "old"); err != nil || st.Best != 3 || st.Test["a"] != 1 {
			t.Errorf("the study of an older store: %+v, %v", st, err)
		}
		s.Close()
	}
}

// A reader leaves nothing open if it fails.
func TestOpenReadOnlyWithFaults(t *testing.T) {
	path := older(t, 2)
	f := withFaults(t)
	failing(t, f, func() error {
		s, err := OpenReadOnly(path)
		if err != nil {
			return err
		}
		return s.Close()
	}, func(use *use, err error) {
		if f.open != 0 {
			t.Fatalf("%s leaves %d connections open", use, f.open)
		}
	})
}

// A file that cannot be opened as usual is read as it is, if nobody writes it.
func TestReaderTriesTwice(t *testing.T) {
	path := seeded(t)
	f := withFaults(t)
	for _, code := range []sqlite3.ErrNo{sqlite3.ErrCantOpen, sqlite3.ErrReadonly, sqlite3.ErrPerm} {
		for _, written := range []bool{false, true} {
			var w *Store
			if written {
				w = openStore(t, path)
			}
			f.err = sqlite3.Error{Code: code}
			f.seen = map[use]bool{}
			f.arm()
			r, err := OpenReadOnly(path)
			f.disarm()
			if want := !written && code != sqlite3.ErrPerm; want != (err == nil) {
				t.Errorf("code %d, written meanwhile: %v: %v", code, written, err)
			}
			if err != nil && strings.HasSuffix(err.Error(), "; the file must be readable") != (code != sqlite3.ErrPerm) {
				t.Errorf("code %d: %v", code, err)
			}
			if err == nil {
				if list, err := r.Records(t.Context(), "digits"); err != nil || len(list) != 4 {
					t.Errorf("%d trials, %v", len(list), err)
				}
				r.Close()
			}
			if written {
				w.Close()
			}
			if f.open != 0 {
				t.Errorf("%d connections are left open", f.open)
			}
		}
	}
}

// While another process creates the same file, it waits.
func TestOpenWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	f := withFaults(t)
	f.err = sqlite3.Error{Code: sqlite3.ErrBusy}
	f.seen = map[use]bool{}
	for _, call := range []string{"ask", "next row"} {
		f.arm()
		f.only = func(u use) bool { return u.call == call && u.query == "PRAGMA journal_mode = wal" }
		s, err := Open(path)
		if use := f.disarm(); use == nil {
			t.Errorf("there is no %s", call)
		}
		if err != nil {
			t.Fatalf("%s: %v", call, err)
		}
		s.Close()
	}
	synctest.Test(t, func(t *testing.T) {
		conn := connection(t, path, "mode=rw")
		f.arm()
		f.only, f.always = nil, true
		start := time.Now()
		err := useWAL(t.Context(), conn)
		if took := time.Since(start); sqliteCode(err) != codeBusy || took < 10*time.Second || took > 10*time.Second+10*time.Millisecond {
			t.Errorf("%v after %v", err, took)
		}
		f.disarm()
	})
}

// An end that fails says so, and everything is closed.
func TestCloseWithFaults(t *testing.T) {
	path := seeded(t)
	f := withFaults(t)
	f.seen = map[use]bool{}
	for n := 0; ; n++ {
		s, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Note(t.Context(), "digits", "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Study(t.Context(), "digits"); err != nil {
			t.Fatal(err)
		}
		f.arm()
		err = s.Close()
		use := f.disarm()
		if (err == nil) != (use == nil) || err != nil && !strings.HasPrefix(err.Error(), "store "+path+": disk I/O error") {
			t.Errorf("%v failed, and it says %v", use, err)
		}
		if again := s.Close(); again != nil {
			t.Errorf("a second end: %v", again)
		}
		if f.open != 0 {
			t.Fatalf("%d connections are left open", f.open)
		}
		if use == nil {
			if n < 4 {
				t.Errorf("only %d things were to be closed", n)
			}
			return
		}
	}
}

// A backup that fails leaves no file.
func TestBackupWithFaults(t *testing.T) {
	path := seeded(t)
	f := withFaults(t)
	s := openStore(t, path)
	if _, err := s.Study(t.Context(), "digits"); err != nil { // a connection of its own
		t.Fatal(err)
	}
	open := f.open
	to := filepath.Join(t.TempDir(), "copy.db")
	failing(t, f, func() error { return s.Backup(t.Context(), to) }, func(use *use, err error) {
		if err == nil {
			if d := cmp.Diff(dump(t, path), dump(t, to)); d != "" {
				t.Errorf("after %v: %s", use, d)
			}
			os.Remove(to)
		}
		if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%v failed, and there is a file: %v", use, err)
		}
		if f.open != open {
			t.Errorf("%d connections are open after %v, %d before", f.open, use, open)
		}
	})
}

// Whatever fails in a repair, no row is lost that can be read: either it says so and
// the store is as it was, or it has found everything in another way.
func TestRepairWithFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	path := seeded(t)
	f := withFaults(t)
	all := dump(t, path)
	opening := map[use]bool{} // TestOpenWithFaults has these; the first one is enough
	f.seen, f.only = map[use]bool{}, func(use) bool { return false }
	f.arm()
	openStore(t, filepath.Join(t.TempDir(), "store.db")).Close()
	for u, n := range f.count {
		for i := range n {
			opening[use{u[0], u[1], i}] = u[0] != "open"
		}
	}
	for _, torn := range []bool{false, true} {
		reading := func(u use) bool { return strings.Contains(u.query, " ORDER BY ") }
		f.seen = maps.Clone(opening)
		f.only = func(u use) bool { // some of the many rows; and TestWritesWithFaults has what else can fail of statements
			switch {
			case u.call == "close" && u.query != "connection", u.call == "count", testing.Short() && u.n%3 > 0:
				return false
			case strings.Contains(u.query, "pragma_table_info"):
				return u.call != "next row" && u.call != "values" || u.n%60 == 0
			case strings.HasPrefix(u.query, "INSERT OR IGNORE "):
				return u.n == 0
			case reading(u):
				return u.n == 0 || u.n == 1 && u.call == "next row"
			}
			return true
		}
		if torn { // nothing can be found but study by study and trial by trial
			f.torn = func(query string, _ []driver.Value) bool {
				return strings.Contains(query, " ORDER BY ") && !strings.Contains(query, " WHERE ")
			}
			f.only = func(u use) bool {
				return u.n == 0 && (strings.Contains(u.query, "LEFT JOIN trials") || u.call == "run" && strings.HasPrefix(u.query, "INSERT OR IGNORE "))
			}
		}
		for n := 0; ; n++ {
			f.arm()
			saved, old, err := Repair(t.Context(), path)
			use := f.disarm()
			if f.open != 0 {
				t.Fatalf("%s leaves %d connections open", use, f.open)
			}
			now := dump(t, path)
			if d := difference(all, now); d != "" {
				t.Errorf("after %v (%v): %s", use, err, d)
			}
			if err == nil {
				if use != nil && !use.harmless() && !reading(*use) {
					t.Errorf("%s failed, and nobody says so", use)
				}
				for table, n := range saved {
					if n != len(now[table]) {
						t.Errorf("after %v: %d rows of %s, %d are said", use, len(now[table]), table, n)
					}
				}
				if d := difference(all, dump(t, old)); d != "" {
					t.Errorf("the old file after %v: %s", use, d)
				}
				if err := os.Rename(old, path); err != nil {
					t.Fatal(err)
				}
			} else if exists(path+".damaged-1") || old != "" || saved != nil || !strings.HasPrefix(err.Error(), "repair "+path+": ") {
				t.Errorf("after %v: %v, %q, %v", use, saved, old, err)
			}
			if use == nil {
				if err != nil || n < 3 {
					t.Errorf("%v after %d faults", err, n)
				}
				break
			}
		}
	}
}

// A table of which SQLite finds no definition is empty in the new store.
func TestRepairOfALostDefinition(t *testing.T) {
	f := withFaults(t)
	for _, code := range []sqlite3.ErrNo{sqlite3.ErrCorrupt, sqlite3.ErrNotADB} {
		path := filled(t, 2)
		f.err, f.seen = sqlite3.Error{Code: code}, map[use]bool{}
		f.only = func(u use) bool { // the fourth table is curve
			return u.call == "ask" && strings.Contains(u.query, "pragma_table_info") && u.n == 7
		}
		f.arm()
		saved, _, err := Repair(t.Context(), path)
		f.disarm()
		if want := map[string]int{"studies": 1, "trials": 2, "segments": 2, "curve": 0, "versions": 0}; err != nil || !maps.Equal(saved, want) {
			t.Errorf("code %d: saved %v, %v", code, saved, err)
		}
	}
}

// An error of SQLite names the file and says what to do.
func TestExplain(t *testing.T) {
	s := &Store{path: "x.db", write: new(sql.DB)}
	for code, want := range map[sqlite3.ErrNo]string{
		sqlite3.ErrFull: "; make room on the disk", sqlite3.ErrBusy: "; another process has held the store for more than 10s", sqlite3.ErrIoErr: "; check the disk",
		sqlite3.ErrReadonly: "; the file and its directory must be writable", sqlite3.ErrCantOpen: "; the file and its directory must be writable", sqlite3.ErrPerm: "access permission denied",
	} {
		if err := s.fail("count", sqlite3.Error{Code: code}); !strings.HasPrefix(err.Error(), "count: store x.db: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("code %d: %v", code, err)
		}
	}
	for _, code := range []sqlite3.ErrNo{sqlite3.ErrCorrupt, sqlite3.ErrNotADB} {
		if err := s.fail("count", sqlite3.Error{Code: code}); !errors.Is(err, ErrDamaged) {
			t.Errorf("code %d: %v", code, err)
		}
	}
	for _, of := range []error{ErrClosed, ErrReadOnly} {
		if err := s.fail("count", of); err.Error() != "count: store x.db: "+of.Error() {
			t.Error(err)
		}
	}
	if err := s.fail("count", ErrNoTrial); err.Error() != "count: no such trial" {
		t.Error(err)
	}
}
