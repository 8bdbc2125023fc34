package store

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// oneLine checks that an error is what it should be, names the file, and stays
// on one line.
func oneLine(t *testing.T, err, want error, path string) {
	t.Helper()
	switch {
	case err == nil:
		t.Fatal("no error")
	case want != nil && !errors.Is(err, want):
		t.Errorf("got %v, want %v", err, want)
	case !strings.Contains(err.Error(), path):
		t.Errorf("%v: does not name %s", err, path)
	case strings.Contains(err.Error(), "\n"):
		t.Errorf("%v: more than one line", err)
	}
}

func TestOpenMissing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "store.db")
	_, err := OpenReadOnly(path)
	oneLine(t, err, ErrNoStore, path)
	if exists(filepath.Dir(path)) {
		t.Error("a reader created the directory")
	}
	s := openStore(t, path) // a writer creates both
	if _, err := s.Studies(t.Context()); err != nil {
		t.Error(err)
	}
	r, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestOpenEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := OpenReadOnly(path)
	oneLine(t, err, ErrNoStore, path)
	openStore(t, path)
}

// Where the working directory is gone no relative path means anything.
func TestOpenNowhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	if err := os.Remove(dir); err != nil {
		t.Skip("the working directory cannot be removed here")
	}
	for name, open := range map[string]func(string) (*Store, error){"Open": Open, "OpenReadOnly": OpenReadOnly} {
		s, err := open("x.db")
		if s != nil {
			t.Errorf("%s opens something", name)
		}
		oneLine(t, err, nil, "store x.db: ")
	}
}

func TestOpenOddPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory#c%20é", "store.db")
	s := openStore(t, path)
	begin(t, s, "digits", 1)
	if !exists(path) {
		t.Fatal("the store is somewhere else")
	}
	r, err := OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
}

func TestOpenGarbage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	garbage := bytes.Repeat([]byte("this is not a database "), 1000)
	if err := os.WriteFile(path, garbage, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	oneLine(t, err, ErrDamaged, path)
	_, err = OpenReadOnly(path)
	oneLine(t, err, ErrDamaged, path)
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, garbage) {
		t.Error("the file was changed")
	}
}

func TestOpenTruncated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, "digits", 200)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()/2); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path)
	oneLine(t, err, ErrDamaged, path)
	_, err = OpenReadOnly(path)
	oneLine(t, err, ErrDamaged, path)
}

// A page in the middle that was overwritten shows when it is read.
func TestDamagedPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	begin(t, s, "digits", 200)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(b); i++ { // all but the schema's first page
		b[i] = 0xa5
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err = Open(path)
	if err == nil {
		defer s.Close()
		_, err = s.Records(t.Context(), "digits")
	}
	oneLine(t, err, ErrDamaged, path)
}

func TestOpenForeign(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE executions (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	_, err = Open(path)
	oneLine(t, err, ErrForeign, path)
	_, err = OpenReadOnly(path)
	oneLine(t, err, ErrForeign, path)
}

func TestOpenNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	setVersion(t, path, 99)
	_, err = Open(path)
	oneLine(t, err, ErrNewer, path)
	if !strings.Contains(err.Error(), "99") {
		t.Errorf("%v: does not name the version", err)
	}
	_, err = OpenReadOnly(path)
	oneLine(t, err, ErrNewer, path)
}

func setVersion(t *testing.T, path string, n int) {
	t.Helper()
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("PRAGMA user_version = " + string(rune('0'+n/10)) + string(rune('0'+n%10))); err != nil {
		t.Fatal(err)
	}
}

func TestOpenDirectoryInTheWay(t *testing.T) {
	dir := t.TempDir()
	_, err := Open(dir)
	oneLine(t, err, nil, dir)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(file, "store.db")
	_, err = Open(path)
	oneLine(t, err, nil, path)
}

func TestMigrationsAreNumberedWithoutGaps(t *testing.T) {
	s := tempStore(t)
	var version, app int
	if err := s.read.QueryRow("SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id)").Scan(&version, &app); err != nil {
		t.Fatal(err)
	}
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	if version != len(files) || app != applicationID {
		t.Errorf("version %d after %d migrations, application id %x", version, len(files), app)
	}
	for i, f := range files {
		if want := "000" + string(rune('1'+i)) + "_"; !strings.HasPrefix(f.Name(), want) {
			t.Errorf("migration %d is called %s, want %s…", i+1, f.Name(), want)
		}
	}
	var mode string
	var foreign, sync, check string
	if err := s.read.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal mode %s (%v)", mode, err)
	}
	err = s.change(t.Context(), "test", func(w *writer) error {
		return errors.Join(w.row("PRAGMA foreign_keys").Scan(&foreign), w.row("PRAGMA synchronous").Scan(&sync), w.row("PRAGMA integrity_check").Scan(&check))
	})
	if err != nil || foreign != "1" || sync != "2" || check != "ok" {
		t.Errorf("foreign_keys %s, synchronous %s, integrity %s (%v)", foreign, sync, check, err)
	}
}

// A migration that fails leaves the file as it was.
func TestMigrationIsOneTransaction(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	db := connection(t, path, "mode=rwc")
	if _, err := db.ExecContext(t.Context(), "CREATE TABLE segments (in_the_way)"); err != nil {
		t.Fatal(err)
	}
	if err := migrate(t.Context(), db, 1, "migrations/0001_init.sql"); err == nil {
		t.Fatal("no error")
	}
	var tables, version int
	if err := db.QueryRowContext(t.Context(), "SELECT (SELECT count(*) FROM sqlite_schema WHERE type = 'table'), (SELECT user_version FROM pragma_user_version)").Scan(&tables, &version); err != nil {
		t.Fatal(err)
	}
	if tables != 1 || version != 0 {
		t.Errorf("%d tables, version %d", tables, version)
	}
}
