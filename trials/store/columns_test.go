package store

import (
	"maps"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"budwood/search"
	"budwood/trials/segment"
)

// A column that should hold JSON and does not is an error of all that needs it, and
// of nothing else.
func TestBrokenColumns(t *testing.T) {
	seed := seeded(t)
	some := []string{"At", "Latest", "Records", "Sample", "Top"}
	for column, want := range map[string][]string{
		"studies SET space":                      append([]string{"Add", "Describe", "Study"}, some...),
		"studies SET objectives":                 {"Describe", "End", "Latest", "At", "Record", "Resume", "Revive", "Sample", "SetAside", "Studies", "Study", "Top"},
		"studies SET best = 1, tested = 1, test": {"Describe", "Latest", "At", "Sample", "Studies", "Study", "Top"},
		"trials SET params":                      some,
		"segments SET metrics":                   append([]string{"End", "Record", "Resume", "Revive", "SetAside"}, some...),
		"segments SET notes":                     some,
		"versions SET parts":                     {"Version", "Versions"},
	} {
		path := copied(t, seed)
		s := openStore(t, path)
		for _, q := range []string{"UPDATE " + column + " = '{'", "UPDATE trials SET end_state = NULL"} {
			if err := s.change(t.Context(), q, func(w *writer) error { return w.exec(q) }); err != nil {
				t.Fatal(err)
			}
		}
		var failed []string
		for name, read := range reads() {
			if _, err := read(t.Context(), s); err != nil {
				failed = append(failed, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(writes())) {
			if slices.Contains([]string{"Delete", "Edit", "Reopen"}, name) {
				continue // they take the column away, or write it anew
			}
			before := dump(t, path)
			if err := writes()[name](t.Context(), s); err != nil {
				failed = append(failed, name)
				if d := cmp.Diff(before, dump(t, path)); d != "" {
					t.Errorf("%s: %s (%v) has changed %s", column, name, err, d)
				}
			}
		}
		slices.Sort(failed)
		slices.Sort(want)
		if d := cmp.Diff(want, failed); d != "" {
			t.Errorf("%s: %s", column, d)
		}
	}
}

// What there is none of takes no room, and a trial's row has what its segments say.
func TestColumns(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 4)
	record(t, s, report("digits", 0, 0, 3, .5))
	early := report("digits", 0, 3, 9, .6)
	early.Final.Budget, early.State = 2, search.Failed // it began anew and failed early
	record(t, s, early)
	nothing := segment.Report{Key: segment.Key{Study: "digits", Trial: 1, To: 3}, Result: segment.Result{State: search.Failed}}
	record(t, s, nothing)
	start := nothing
	start.Trial, start.State, start.Final = 2, search.Paused, search.Measurement{Metrics: search.Metrics{"valid_accuracy": .1}}
	record(t, s, start)
	bare := start
	bare.Trial, bare.Final = 3, search.Measurement{Budget: 3}
	record(t, s, bare)
	file := dump(t, s.Path())
	if d := cmp.Diff([]string{
		`1 | 0 | 3 | 0 | 1 | paused |  | 3 | {"train_loss":0.3333333333333333,"valid_accuracy":0.5} | 6.0 | 3.0 | 9.0 | 0.0 | estimated | 0.5 | w1 |  |  | `,
		`1 | 0 | 9 | 3 | 1 | failed |  | 2 | {"train_loss":0.1111111111111111,"valid_accuracy":0.6} | 6.0 | 3.0 | 9.0 | 0.0 | estimated | 0.5 | w1 |  |  | `,
		`1 | 1 | 3 | 0 | 0 | failed |  | 0 | NULL | 0.0 | 0.0 | 0.0 | 0.0 |  | 0.0 |  |  |  | `,
		`1 | 2 | 3 | 0 | 0 | paused |  | 0 | {"valid_accuracy":0.1} | 0.0 | 0.0 | 0.0 | 0.0 |  | 0.0 |  |  |  | `,
		`1 | 3 | 3 | 0 | 0 | paused |  | 3 | {} | 0.0 | 0.0 | 0.0 | 0.0 |  | 0.0 |  |  |  | `,
	}, file["segments"]); d != "" {
		t.Error(d)
	}
	budgets, err := texts(t.Context(), s.read, "SELECT budget FROM trials ORDER BY trial")
	if err != nil || !slices.Equal(budgets, []string{"3", "0", "0", "3"}) {
		t.Errorf("budgets that were reached: %q, %v", budgets, err)
	}
	list, err := s.Records(t.Context(), "digits")
	if err != nil {
		t.Fatal(err)
	}
	for trial, want := range []int{2, 0, 1, 1} {
		if n := len(list[trial].Measurements); n != want {
			t.Errorf("%s was measured %d times, want %d", list[trial].Name(), n, want)
		}
	}
	last, err := s.LastSegments(t.Context(), "digits", []int{0, 1, 7})
	if err != nil || !maps.Equal(last, map[int]int{0: 9, 1: 3}) {
		t.Errorf("last segments %v, %v", last, err)
	}
}

// The best ones are as many as were asked for, the same values by number.
func TestTop(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 5)
	for trial, accuracy := range []float64{.5, .7, .5, .7, .6} {
		record(t, s, report("digits", trial, 0, 3, accuracy))
	}
	for n, want := range map[int][]int{-1: nil, 0: nil, 1: {1}, 3: {1, 3, 4}, 4: {1, 3, 4, 0}, 9: {1, 3, 4, 0, 2}} {
		top, err := s.Top(t.Context(), "digits", n)
		var ids []int
		for _, r := range top {
			ids = append(ids, r.ID)
		}
		if err != nil || !slices.Equal(ids, want) {
			t.Errorf("the best %d: %v, want %v (%v)", n, ids, want, err)
		}
	}
}

// The cache forgets the study that was asked for longest ago.
func TestRecordCache(t *testing.T) {
	var c recordCache
	if first, again := c.of(7), c.of(7); first != again || len(c.studies) != 1 {
		t.Errorf("one study is held %d times", len(c.studies))
	}
	c.studies = nil
	kept := map[int64]*cachedRecords{}
	for id := range int64(32) {
		kept[id] = c.of(id)
	}
	if c.of(0) != kept[0] { // the last one asked for now
		t.Error("it was forgotten too early")
	}
	c.of(32)
	if len(c.studies) != 32 {
		t.Errorf("%d studies are held", len(c.studies))
	}
	for id := range int64(32) {
		if held := slices.Contains(c.studies, kept[id]); held != (id != 1) {
			t.Errorf("study %d is held: %v", id, held)
		}
	}
}

// Trials that are new since records were read stand in their places.
func TestRecordsOfNewTrials(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 0)
	for n, first := range []int{3, 1, 5, 0} {
		add(t, s, "digits", first, 1)
		list, err := s.Records(t.Context(), "digits")
		if err != nil || len(list) != n+1 || !slices.IsSortedFunc(list, func(a, b search.Record) int { return a.ID - b.ID }) {
			t.Errorf("with trial %d: %+v, %v", first, list, err)
		}
	}
}

// The value of a study whose best accuracy is 0 is not minus 0.
func TestValueOfZero(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 1)
	record(t, s, report("digits", 0, 0, 3, 0))
	list, err := s.Studies(t.Context())
	if err != nil || list[0].Best != 0 || math.Signbit(list[0].Value) {
		t.Errorf("%+v, %v", list, err)
	}
}
