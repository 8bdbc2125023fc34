package main

import (
	"context"
	"slices"
	"testing"
	"time"

	"budwood/search"
	"budwood/trials/store"
)

// Everything that changes a study while it runs, on the real server.
func TestControl(t *testing.T) {
	dir := home(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd, _, progress := program(ctx, dir, "run", digits, "--trials", "5000", "--epochs", "9")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for started(dir) < 2 && ctx.Err() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	for range 2 { // asked again it changes nothing
		out, errs, _ := do(t, dir, "pause", "digits")
		wantLine(t, out+errs, "study digits is paused")
	}
	time.Sleep(time.Second) // what runs finishes its segment
	before := started(dir)
	time.Sleep(time.Second)
	if now := started(dir); now != before {
		t.Errorf("%d trials were started while the study was paused", now-before)
	}
	for _, bad := range [][]string{
		{"trial", "add", "digits", "lr=7000"}, {"trial", "stop", "digits", "t9999"}, {"edit", "digits", "--trials", "1"}, {"edit", "digits"},
	} {
		if _, errs, code := do(t, dir, bad...); code != exitUsage {
			t.Errorf("budwood %v: exit code %d: %s", bad, code, errs)
		}
	}
	_, list := records(t, dir, "digits")
	i := slices.IndexFunc(list, func(r search.Record) bool { return r.State == search.Paused })
	if i < 0 {
		t.Fatal("no trial waits at a rung")
	}
	out, errs, _ := do(t, dir, "trial", "retry", "digits", "t0001")
	wantLine(t, out+errs, "the candidate of t0001 is tried again")
	out, errs, _ = do(t, dir, "trial", "stop", "digits", list[i].Name(), "--reason", "it is ugly")
	wantLine(t, out+errs, "is stopped")
	out, errs, _ = do(t, dir, "edit", "digits", "--trials", "40", "--parallel", "3", "--priority", "1")
	wantLine(t, out+errs, "is changed")
	out, errs, _ = do(t, dir, "resume", "digits")
	wantLine(t, out+errs, "study digits goes on")
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, progress)
	}
	study, list := records(t, dir, "digits")
	if study.State != store.StudyCompleted || len(list) != 40 {
		t.Errorf("%s with %d trials, want the 40 of the edit", study.State, len(list))
	}
	if r := list[i]; r.State != search.Stopped || r.Reason != "it is ugly" {
		t.Errorf("%s is %s: %q", r.Name(), r.State, r.Reason)
	}
	again := slices.IndexFunc(list, func(r search.Record) bool { return r.Source == "retry of t0001" })
	if again < 0 || list[again].Params.Key() != list[1].Params.Key() {
		t.Errorf("the candidate of t0001 was not tried again (%d)", again)
	}
}
