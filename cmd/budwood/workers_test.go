package main

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Eight worker processes with nothing but the server's address and the
// checkpoints' directory train one study; one of them is killed on the way, one
// shut down. What they trained is recorded once.
func TestEightWorkers(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up", "--cpu", "1")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	defer up.Process.Kill()
	for len(processes(dir)) < 2 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
	}
	var workers []*os.Process
	for range 7 { // up trains, too
		cmd, _, _ := program(ctx, dir, "worker", "--cpu", "1")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = cmd.Wait() }()
		defer cmd.Process.Kill()
		workers = append(workers, cmd.Process)
	}
	run, out, errs := program(ctx, dir, "run", digits, "--trials", "48", "--epochs", "9", "--parallel", "8")
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	for started(dir) < 12 && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	_ = workers[0].Kill()
	_ = workers[1].Signal(syscall.SIGTERM)
	if err := run.Wait(); err != nil {
		t.Fatalf("%v\n%s%s%s", err, out, errs, said)
	}
	_, list := records(t, dir, "digits")
	for i, r := range list {
		if r.ID != i || !r.State.Ended() {
			t.Errorf("trial %d is %s, %s", i, r.Name(), r.State)
		}
	}
	db, err := sql.Open("sqlite3", "file:"+filepath.Join(dir, "budwood.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var segments, names int
	if err := db.QueryRow("SELECT count(*), count(DISTINCT worker) FROM segments").Scan(&segments, &names); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d segments of %d trials by %d workers", segments, len(list), names)
	if len(list) != 48 || names < 5 {
		t.Errorf("%d trials by %d workers, want 48 by most of 8", len(list), names)
	}
}
