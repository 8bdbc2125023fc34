package study_test

import (
	"encoding/json"
	"testing"
	"time"

	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/store"
)

// A study that was submitted again took the time of its runs, not that between
// them. The key is that of [study.State].
func TestElapsed(t *testing.T) {
	b := studytest.New(t, nil)
	db := b.Recorder.Store
	if _, _, err := db.Begin(t.Context(), store.Study{Name: "s", Objectives: (&study.Spec{}).Objectives()}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := &store.Study{Name: "s", Created: began, Ended: began.Add(time.Hour)}
	if got, err := study.Elapsed(t.Context(), db, s); err != nil || got != time.Hour {
		t.Errorf("without a state: %s, %v", got, err)
	}
	carry, err := json.Marshal(study.State{Elapsed: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.SaveState(t.Context(), "s", carry); err != nil {
		t.Fatal(err)
	}
	if got, err := study.Elapsed(t.Context(), db, s); err != nil || got != time.Minute {
		t.Errorf("with a state: %s, %v", got, err)
	}
}
