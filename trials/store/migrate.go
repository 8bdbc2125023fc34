package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"time"
)

// Migration n brings a file from version n-1 to n, in one transaction. They are
// numbered from 1 without gaps; a released one never changes.
//
//go:embed migrations/*.sql
var migrations embed.FS

// applicationID marks a SQLite file as ours: "Budw".
const applicationID = 0x42756477

// steps are the files of the migrations, in order.
func steps() []string {
	names, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is a good one
	return names
}

// prepare makes a file ready for writing: WAL mode and all migrations.
func prepare(ctx context.Context, conn *sql.Conn) error {
	version, err := fileVersion(ctx, conn)
	if err != nil {
		return err
	}
	steps := steps()
	if version > len(steps) {
		return newer(version, len(steps))
	}
	if err := useWAL(ctx, conn); err != nil {
		return err
	}
	for n := version + 1; n <= len(steps); n++ {
		if err := migrate(ctx, conn, n, steps[n-1]); err != nil {
			return fmt.Errorf("migration %s: %w", steps[n-1], err)
		}
	}
	return nil
}

// useWAL changes the journal mode, which is kept in the file. SQLite does not
// wait for a lock here, so that processes which create the same file at the
// same moment have to try again.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	for give := time.Now().Add(busyTimeout); ; time.Sleep(5 * time.Millisecond) {
		var mode string
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = wal").Scan(&mode)
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("the file system does not allow write-ahead logging (journal mode %s); put the store on a local disk", mode)
		case sqliteCode(err) != codeBusy || time.Now().After(give):
			return err
		}
	}
}

func migrate(ctx context.Context, conn *sql.Conn, n int, step string) (err error) {
	text, err := migrations.ReadFile(step)
	if err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = conn.ExecContext(ctx, "ROLLBACK") // SQLite may have rolled back by itself already
		}
	}()
	var version int
	if err := conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version < n { // else another process was quicker
		mark := fmt.Sprintf("\nPRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, n)
		if _, err := conn.ExecContext(ctx, string(text)+mark); err != nil {
			return err
		}
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

// checkVersion reports whether a reader understands the file.
func checkVersion(ctx context.Context, db *sql.DB) error {
	version, err := fileVersion(ctx, db)
	switch known := len(steps()); {
	case err != nil:
		return err
	case version == 0:
		return ErrNoStore
	case version > known:
		return newer(version, known)
	case version < known:
		return ErrOlder
	}
	return nil
}

func newer(version, known int) error {
	return fmt.Errorf("%w: its schema is %d, this one knows %d; use the newer version", ErrNewer, version, known)
}

// fileVersion is the number of migrations that a file has seen, 0 for an empty
// one.
func fileVersion(ctx context.Context, from querier) (int, error) {
	var app, version, tables int
	err := from.QueryRowContext(ctx, `SELECT
		(SELECT application_id FROM pragma_application_id),
		(SELECT user_version FROM pragma_user_version),
		(SELECT count(*) FROM sqlite_schema)`).Scan(&app, &version, &tables)
	if err != nil {
		return 0, err
	}
	if app != applicationID && (app != 0 || version != 0 || tables != 0) {
		return 0, ErrForeign
	}
	return version, nil
}
