package study_test

import (
	"strings"
	"testing"
	"time"

	"budwood/search"
	"budwood/study"
	"budwood/study/studytest"
	"budwood/trials/store"
)

// What is said of a best trial that was never trained to the end.
func TestUnfinished(t *testing.T) {
	spec := studytest.Toy(t, "s")
	rec := search.Record{Trial: search.Trial{ID: 3}, State: search.Stopped, Reason: "rung 3: 2 is 1st of 2, too few to promote one in 3",
		Measurements: []search.Measurement{{Budget: 3}}, Seconds: 30, Joules: 36}
	for _, c := range []struct {
		name  string
		state store.StudyState
		why   string
		edit  func(*study.Spec, *search.Record)
		want  string
	}{
		{"it runs", store.StudyRunning, "", func(*study.Spec, *search.Record) {}, ""},
		{"completed", store.StudyCompleted, "", func(_ *study.Spec, r *search.Record) { r.State = search.Completed }, ""},
		{"full", store.StudyCompleted, "", func(_ *study.Spec, r *search.Record) { r.Measurements[0].Budget = 9 }, ""},
		{"trials", store.StudyCompleted, "", func(*study.Spec, *search.Record) {}, "t0003 was trained for 3 of 9 epochs only, for the study ended first; to go on: run its program again"},
		{"plateau", store.StudyCompleted, "", func(s *study.Spec, r *search.Record) {
			s.Search.Scheduler, r.Reason = "plateau", "rung 3: it does not improve"
		}, ""},
		{"time", store.StudyCompleted, "the time budget of 1m is spent", func(s *study.Spec, _ *search.Record) {
			s.Budget.Time, s.Command = study.Duration(time.Minute), &study.Command{}
		}, "budwood run FILE --time 2m30s, with its study file"},
		{"energy", store.StudyCompleted, "the energy budget of 0.1 Wh is spent", func(s *study.Spec, _ *search.Record) {
			s.Budget.EnergyWh, s.Command = .1, &study.Command{}
		}, "budwood run FILE --energy-wh 0.13, with"},
		{"user", store.StudyStopped, "stopped by the user", func(s *study.Spec, _ *search.Record) { s.Command = &study.Command{} }, "budwood run FILE, with"},
	} {
		spec, rec := *spec, rec
		rec.Measurements = []search.Measurement{{Budget: 3}}
		c.edit(&spec, &rec)
		got := spec.Unfinished(&store.Study{State: c.state, Reason: c.why}, &rec, 50*time.Second)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
