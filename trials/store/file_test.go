package store

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sqliteFile is a SQLite file made by statements.
func sqliteFile(t *testing.T, statements ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
	return path
}

// connection is one to a file, until the end of the test.
func connection(t *testing.T, path, options string) *sql.Conn {
	t.Helper()
	db := connect(path, options)
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		db.Close()
	})
	return conn
}

// A file with anything of another program is not taken for an empty one.
func TestForeignFiles(t *testing.T) {
	for _, s := range []string{"PRAGMA application_id = 7", "PRAGMA user_version = 1", "CREATE TABLE x (y)"} {
		if _, err := Open(sqliteFile(t, s)); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// A reader does not bring a file up to date, and says so.
func TestReadOlderFile(t *testing.T) {
	path := filled(t, 1)
	setVersion(t, path, 1)
	if _, err := OpenReadOnly(path); !errors.Is(err, ErrOlder) {
		t.Errorf("%v", err)
	}
}

// Where there is no write-ahead log it is said.
func TestNoWriteAheadLog(t *testing.T) {
	if err := useWAL(t.Context(), connection(t, "x", "mode=memory")); err == nil || !strings.Contains(err.Error(), "journal mode memory") {
		t.Errorf("%v", err)
	}
}

// A migration that another process has carried out meanwhile is left out.
func TestMigrationWasDone(t *testing.T) {
	path := filled(t, 1)
	db := connection(t, path, "mode=rw")
	before, err := fileVersion(t.Context(), db)
	if err != nil || before < 2 {
		t.Fatalf("version %d, %v", before, err)
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, before} {
		if err := migrate(t.Context(), db, n, "migrations/"+files[n-1].Name()); err != nil {
			t.Errorf("migration %d: %v", n, err)
		}
	}
	if after, err := fileVersion(t.Context(), db); err != nil || after != before {
		t.Errorf("version %d after %d, %v", after, before, err)
	}
	if err := migrate(t.Context(), db, 1, "migrations/none.sql"); err == nil {
		t.Error("a migration that is not there was carried out")
	}
}

// A backup that fails leaves no file; one that does not is its owner's alone.
func TestBackupFile(t *testing.T) {
	s, err := OpenReadOnly(filled(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	path := filepath.Join(t.TempDir(), "copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a backup that failed left a file")
	}
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if damage, err := s.Check(ctx); !errors.Is(err, context.Canceled) || len(damage) > 0 {
		t.Errorf("a check that was given up found %q, %v", damage, err)
	}
}

// What stands in the way of a repair is said, and the store stays as it was; a file of
// which nothing can be read becomes an empty store.
func TestRepairInTheWay(t *testing.T) {
	path := filled(t, 2)
	if err := os.MkdirAll(filepath.Join(path+".repaired", "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Repair(t.Context(), path); err == nil || !strings.HasPrefix(err.Error(), "repair "+path+": ") {
		t.Errorf("%v", err)
	}
	if list, _, _ := inspected(t, path); len(list) != 2 {
		t.Errorf("%d trials", len(list))
	}
	garbage := filepath.Join(t.TempDir(), "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	saved, _, err := Repair(t.Context(), garbage)
	if err != nil || len(saved) != 5 {
		t.Errorf("%v, %v", saved, err)
	}
	for table, n := range saved {
		if n != 0 {
			t.Errorf("%d rows of %s", n, table)
		}
	}
}
