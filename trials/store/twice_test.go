package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of two reports of one attempt the first stays, whatever the second says: a worker
// that was taken for dead and comes back changes nothing, not even for those who
// follow what changed.
func TestSecondReportOfAnAttemptChangesNothing(t *testing.T) {
	s := tempStore(t)
	begin(t, s, "digits", 1)
	first := report("digits", 0, 0, 3, .7)
	if accepted, err := s.Record(t.Context(), first); !accepted || err != nil {
		t.Fatal(accepted, err)
	}
	seq := func() (n int64) {
		if err := s.read.QueryRow(`SELECT seq FROM studies WHERE name = 'digits'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, changes := contents(t, s, "digits"), seq()
	second := report("digits", 0, 0, 3, .9)
	second.Energy.Joules, second.Seconds, second.Worker = 1e6, 1e6, "another"
	again := func() {
		t.Helper()
		if d := cmp.Diff(before, contents(t, s, "digits")); d != "" || seq() != changes {
			t.Errorf("%d changes more: %s", seq()-changes, d)
		}
	}
	if accepted, err := s.Record(t.Context(), first); !accepted || err != nil {
		t.Fatalf("%v, %v: the attempt is on record", accepted, err)
	}
	again()
	if accepted, err := s.Record(t.Context(), second); !accepted || err != nil {
		t.Fatalf("%v, %v: the attempt is on record", accepted, err)
	}
	again()
	second.Attempt = 2
	if accepted, err := s.Record(t.Context(), second); !accepted || err != nil {
		t.Fatal(accepted, err)
	}
	if cmp.Equal(before, contents(t, s, "digits")) || seq() == changes {
		t.Error("a later attempt changes nothing either")
	}
}
