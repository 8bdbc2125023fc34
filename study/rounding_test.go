package study

import (
	"strings"
	"testing"
	"time"

	"budwood/data"
	"budwood/search"
	"budwood/trials/store"
)

// A duration that is proposed has two digits and is no shorter.
func TestRoundUp(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Nanosecond: "1s", 25 * time.Second: "25s", 59*time.Second + 1: "1m", time.Minute: "1m", 61 * time.Second: "1m10s",
		10 * time.Minute: "10m", 10*time.Minute + 1: "11m", 59*time.Minute + 1: "1h", time.Hour: "1h", time.Hour + 1: "1h10m", 100 * time.Minute: "1h40m", 10 * time.Hour: "10h",
		8*time.Minute + 10*time.Second: "8m10s", 9*time.Minute + 30*time.Second: "9m30s",
	} {
		if got := roundUp(d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
	for x, want := range map[float64]string{.121: "0.13", 12: "12", 12.1: "13", 121: "130", 1: "1"} {
		if got := search.FormatNumber(ceil(x)); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

// The budget that is proposed is the one that ended the study, half as much again as
// the rest of the training has been seen to take.
func TestUnfinishedProposes(t *testing.T) {
	for _, c := range []struct {
		name  string
		state store.StudyState
		why   string
		edit  func(*Spec, *search.Record)
		want  string
	}{
		{"trials", store.StudyCompleted, "", func(*Spec, *search.Record) {}, "FILE --trials 15,"},
		{"one trial", store.StudyCompleted, "", func(s *Spec, _ *search.Record) { s.Budget.Trials = 1 }, "FILE --trials 2,"},
		{"no epoch", store.StudyCompleted, "", func(_ *Spec, r *search.Record) { r.Measurements = nil }, ""},
		{"time, which has no limit now", store.StudyStopped, "the time budget is spent", func(*Spec, *search.Record) {}, "FILE, with"},
		{"a limit of time, which was not it", store.StudyStopped, "", func(s *Spec, _ *search.Record) { s.Budget.Time = Duration(time.Minute) }, "FILE, with"},
		{"energy, which has no limit now", store.StudyStopped, "the energy budget is spent", func(*Spec, *search.Record) {}, "FILE, with"},
		{"a limit of energy, which was not it", store.StudyStopped, "", func(s *Spec, _ *search.Record) { s.Budget.EnergyWh = 1 }, "FILE, with"},
		{"time, as long as it took", store.StudyCompleted, "the time budget is spent", func(s *Spec, _ *search.Record) { s.Budget.Time = Duration(time.Minute) }, "FILE --time 2m40s,"},
		{"plateau, which the end cut", store.StudyStopped, "", func(s *Spec, r *search.Record) {
			s.Search.Scheduler, r.Reason = "plateau", "paused at 3 when the study ended"
		}, "FILE, with"},
		{"plateau, paused", store.StudyStopped, "", func(s *Spec, r *search.Record) { s.Search.Scheduler, r.State = "plateau", search.Paused }, "FILE, with"},
		{"trained again", store.StudyStopped, "", func(s *Spec, r *search.Record) { r.Source, s.Retrain.Epochs = retrainSource+"t0001", 20 }, "3 of 20 epochs"},
		{"data", store.StudyStopped, "", func(s *Spec, _ *search.Record) { s.Data, s.Command = &data.Source{}, nil }, "FILE, with"},
	} {
		s := Spec{Budget: Budget{Trials: 10, Epochs: 9}, Command: &Command{}}
		r := search.Record{State: search.Stopped, Measurements: []search.Measurement{{Budget: 3}}, Seconds: 20}
		c.edit(&s, &r)
		got := s.Unfinished(&store.Study{State: c.state, Reason: c.why}, &r, 100*time.Second)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
