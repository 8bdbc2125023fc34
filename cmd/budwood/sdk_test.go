package main

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"budwood"
	"budwood/cmd/budwood/devserver"
	"budwood/search"
	"budwood/trials/store"
	"budwood/workflows"
)

// A program submits a study to the server of `budwood up`, looks at it, ends it,
// and opens it again.
func TestSubmitAndOpen(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	up, _, said := program(ctx, dir, "up")
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	var server devserver.Info
	for ok := false; !ok; server, ok = devserver.Running(dir) {
		if ctx.Err() != nil {
			t.Fatalf("up does not start a server:\n%s", said)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for started(dir) == 0 { // no study yet: the store is there once up has opened it
		if store, err := store.OpenReadOnly(filepath.Join(dir, "budwood.db")); err == nil {
			store.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Setenv("BUDWOOD_HOME", dir)
	t.Setenv("TEMPORAL_ADDRESS", server.Address)

	h, err := budwood.Submit(ctx, "../../examples/digits/trivial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < 3; {
		list, err := h.Trials(ctx)
		if err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
		n = len(list)
		time.Sleep(20 * time.Millisecond)
	}
	if err := h.Stop(ctx, true); err != nil {
		t.Fatal(err)
	}
	r, err := h.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.State != store.StudyStopped || len(r.Trials) < 3 || len(r.Trials) >= 200 {
		t.Errorf("%s with %d trials", r.State, len(r.Trials))
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	again, err := budwood.Open(ctx, "digits-trivial")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if r, err := again.Result(ctx); err != nil || r.State != store.StudyStopped {
		t.Errorf("opened again: %v, %v", r, err)
	}

	// Temporal knows nothing of a study on goroutines, nor of one that never was.
	lr := search.LogFloat("lr", .001, 1)
	local := budwood.Study{Name: "local", Space: search.Space{lr}, Trials: 2, Epochs: 1, Home: dir}
	if _, err := local.Local(ctx, func(_ context.Context, t *budwood.Trial) error {
		t.Report(lr.In(t))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, known := range map[string]bool{"local": true, "nobody": false} {
		h, err := budwood.Open(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		switch r, err := h.Wait(ctx); {
		case known && (err != nil || r.State != store.StudyCompleted):
			t.Errorf("%s: %v, %v", name, r, err)
		case !known && !errors.Is(err, workflows.ErrNotRunning):
			t.Errorf("%s: %v", name, err)
		}
		h.Close()
	}
}

// The background workers end although the study of a Go program, which has
// workers of its own, was left running.
func TestServiceDoesNotWaitForGoStudies(t *testing.T) {
	ctx := context.Background()
	db, err := store.Open(filepath.Join(t.TempDir(), "budwood.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	begin := func(name, spec string) {
		row := store.Study{Name: name, Spec: []byte(spec), Objectives: []search.Objective{{Metric: "loss", Goal: search.Minimize}}}
		if _, _, err := db.Begin(ctx, row); err != nil {
			t.Fatal(err)
		}
	}
	if busy(ctx, db) {
		t.Error("busy without a study")
	}
	begin("go", `{"name": "go"}`)
	if busy(ctx, db) {
		t.Error("busy with the study of a Go program")
	}
	begin("file", `{"name": "file", "data": {"csv": "x.csv", "target": "y"}}`)
	if !busy(ctx, db) {
		t.Error("not busy with the study of a file")
	}
}
