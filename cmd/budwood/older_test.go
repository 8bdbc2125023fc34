package main

import (
	"database/sql"
	"os"
	"testing"
	"time"

	"budwood"
	"budwood/trials/store"
)

// A command that needs the store waits for workers which are just bringing it up to
// date: a store of an older version, or a new one between two of its migrations.
func TestReadSoonWaitsForMigrations(t *testing.T) {
	dir := home(t)
	first, err := os.ReadFile("../../trials/store/migrations/0001_init.sql")
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", "file:"+budwood.StoreFile(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(first), "PRAGMA application_id = 0x42756477", "PRAGMA user_version = 1"} {
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		time.Sleep(100 * time.Millisecond)
		store, err := store.Open(budwood.StoreFile(dir))
		if err == nil {
			err = store.Close()
		}
		done <- err
	}()
	a := &app{ctx: t.Context(), home: dir}
	store, err := a.readSoon()
	if err != nil {
		t.Fatal(err)
	}
	store.Close()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
