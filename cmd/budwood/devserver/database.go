package devserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	sqliteschema "go.temporal.io/server/schema/sqlite"
	"google.golang.org/protobuf/types/known/durationpb"
)

// openDatabase prepares the database file, a new one or an existing one, and
// returns how the server reaches it.
func openDatabase(path string, c Config) (*config.SQL, error) {
	if err := dropUnfinished(path); err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	db := &config.SQL{
		PluginName:        sqlite.PluginName,
		DatabaseName:      (&url.URL{Path: path}).EscapedPath(), // it becomes part of a URI
		ConnectAttributes: c.SQLite,
	}
	switch err := checkDatabase(path); {
	case errors.Is(err, fs.ErrNotExist):
		if err := createDatabase(path, db); err != nil {
			return nil, fmt.Errorf("create database %s: %w", path, err)
		}
	case err != nil:
		return nil, err
	}
	types, err := c.attributeTypes()
	if err != nil {
		return nil, err
	}
	ns, err := sqliteschema.NewNamespaceConfig(cluster, c.Namespace, false, types)
	if err != nil {
		return nil, fmt.Errorf("namespace %s: %w", c.Namespace, err)
	}
	ns.Detail.Config.Retention = durationpb.New(c.Retention)
	if err := sqliteschema.CreateNamespaces(db, ns); err != nil { // an existing one stays as it is
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	return db, nil
}

// createDatabase fills a new file. While it does so a second file says that it
// has not finished, for [dropUnfinished] to see should the process be killed.
func createDatabase(path string, db *config.SQL) error {
	if err := os.WriteFile(unfinished(path), nil, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // SQLite would let the group read it
		return err
	}
	if err := sqliteschema.SetupSchema(db); err != nil {
		return err
	}
	return os.Remove(unfinished(path))
}

func unfinished(path string) string { return path + ".unfinished" }

// dropUnfinished removes a database whose creation was cut short. No server has
// used it.
func dropUnfinished(path string) error {
	if _, err := os.Stat(unfinished(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, p := range []string{path, path + "-wal", path + "-shm", unfinished(path)} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// checkDatabase finds out whether the server can work with an existing file. On
// a damaged one it would not end, but try again for ever.
func checkDatabase(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return fmt.Errorf("database %s cannot be opened: %w", path, errors.Unwrap(err))
	}
	f.Close()

	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath())
	if err != nil {
		return fmt.Errorf("database %s: %w", path, err)
	}
	defer db.Close()
	var n int
	err = db.QueryRow("SELECT count(*) FROM namespaces").Scan(&n)
	if err == nil {
		err = quickCheck(db)
	}
	if err != nil {
		return fmt.Errorf("database %s is damaged (%s); move it away, and a new one is created", path, oneLine(err.Error()))
	}
	return nil
}

// quickCheck looks at as much of the database as it can in half a second: all
// of it up to some 100 MB.
func quickCheck(db *sql.DB) error {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	var result string
	switch err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); {
	case ctx.Err() != nil: // nothing bad found so far
		return nil
	case err != nil:
		return err
	case result != "ok":
		return errors.New(result)
	}
	return nil
}
