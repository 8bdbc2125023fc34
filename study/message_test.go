package study

import (
	"strings"
	"testing"

	"budwood/search"
)

// The size of a candidate is that of its names, as JSON, with ": " or a comma, and of
// its longest values: 24 bytes for a number.
func TestCandidateSize(t *testing.T) {
	s := &Spec{Space: search.Space{search.Float("x", 0, 1), search.Choice("long", "a", strings.Repeat("b", 98), "c"), search.Choice("y", 1, 2)}}
	total, longest, most := s.CandidateSize()
	if total != (3+2+24)+(6+2+100)+(3+2+24) || longest != 1 || most != 108 {
		t.Errorf("%d bytes, and parameter %d with %d of them", total, longest, most)
	}
	s.Space = search.Space{search.Float("x", 0, 1), search.Float("y", 0, 1)}
	if _, longest, _ := s.CandidateSize(); longest != 0 {
		t.Errorf("of two equals the second one is the longest")
	}
	if n := MessageSize("abc"); n != 5 {
		t.Errorf("%d bytes", n)
	}
	if n := MessageSize(func() {}); n != MaxMessage+1 {
		t.Errorf("what cannot be sent has %d bytes", n)
	}
}

// A candidate may have a quarter of a message, and those that are sent at once one and
// a half.
func TestCheckSizeAtTheLimit(t *testing.T) {
	of := func(bytes, batch int) error {
		s := &Spec{Space: search.Space{search.Choice("text", strings.Repeat("b", bytes-6-2-2))}, Search: Search{Batch: batch}}
		if total, _, _ := s.CandidateSize(); total != bytes {
			t.Fatalf("%d bytes, want %d", total, bytes)
		}
		return s.checkSize()
	}
	for _, c := range []struct {
		bytes, batch int
		want         string
	}{
		{mostCandidate, 6, ""}, {mostCandidate + 1, 1, "a candidate may have 262144 bytes"},
		{mostCandidate, 7, "at most 6 fit"}, {(MaxMessage + MaxMessage/2) / 512, 512, ""},
	} {
		if err := of(c.bytes, c.batch); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
