package workflows

import (
	"encoding/json"
	"testing"
	"time"

	"budwood/trials/store"
)

// A study that was submitted again took the time of its runs, not that between
// them. The key is that of Carry.
func TestElapsed(t *testing.T) {
	b := newBench(t, nil)
	db := b.store.Store
	if _, _, err := db.Begin(t.Context(), store.Study{Name: "s", Objectives: (&Spec{}).Objectives()}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := &store.Study{Name: "s", Created: began, Ended: began.Add(time.Hour)}
	if got, err := Elapsed(t.Context(), db, s); err != nil || got != time.Hour {
		t.Errorf("without a state: %s, %v", got, err)
	}
	carry, err := json.Marshal(Carry{Elapsed: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SetCarry(t.Context(), "s", carry); err != nil {
		t.Fatal(err)
	}
	if got, err := Elapsed(t.Context(), db, s); err != nil || got != time.Minute {
		t.Errorf("with a state: %s, %v", got, err)
	}
}
