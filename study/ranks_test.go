package study

import (
	"encoding/json"
	"testing"

	"budwood/engine"
	"budwood/search"
	"budwood/trials/energy"
	"budwood/trials/segment"
)

// The number of ranks of a study file, and what is wrong with some.
func TestRanks(t *testing.T) {
	for text, want := range map[string]string{
		"2": "2", "2..4": "2..4", "3..3": "3",
		"0": "0 is outside [1, 1024]", "4..2": "the range 4..2 is empty: write 2..4", "2..": `"2.." is not a number of ranks like 2, or a range of them like 2..4`,
		"2..2000": "2..2000 is outside [1, 1024]", "two": `"two" is not a number of ranks like 2, or a range of them like 2..4`, "-1": "-1 is outside [1, 1024]",
	} {
		var r engine.Ranks
		got := ""
		if err := r.UnmarshalText([]byte(text)); err != nil {
			got = err.Error()
		} else {
			got = r.String()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	s := &Spec{Name: "x", Command: &Command{Args: []string{"true"}}, Space: search.Space{search.Float("x", 0, 1)}, Mesh: engine.Mesh{Ranks: engine.Ranks{Min: 2, Max: 4}}}
	if err := s.Complete(); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Spec
	if err := json.Unmarshal(b, &back); err != nil || back.Mesh.Ranks != s.Mesh.Ranks || back.Program().Ranks.Max != 4 {
		t.Errorf("as JSON %s: %v", b, err)
	}
	if err := CanContinue(b, &Spec{Name: "x", Command: s.Command, Space: s.Space, Objective: s.Objective, Search: s.Search, Budget: s.Budget, Mesh: engine.Mesh{Ranks: engine.Ranks{Min: 3, Max: 3}}}); err != nil {
		t.Errorf("a study goes on with another number of ranks: %v", err)
	}
	for want, change := range map[string]func(*Spec){
		"mesh.ranks: a gang trains what a command: or data: say; a Go function joins no gang: use threads": func(s *Spec) { s.Command = nil },
		"mesh.ranks: a gang trains one trial at a time: leave search.batch out":                            func(s *Spec) { s.Search.Batch = 2 },
		"mesh.ranks: 4..2 is not a number of ranks like 2, or a range of them like 2..4":                   func(s *Spec) { s.Mesh.Ranks = engine.Ranks{Min: 4, Max: 2} },
	} {
		bad := *s
		change(&bad)
		if err := bad.Complete(); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// What ranks above 0 have spent is known by segment: of one that goes on it is the
// whole, of earlier ones the sum.
func TestRanksSpend(t *testing.T) {
	p := &Progress{Spec: &Spec{}}
	saw := func(from, to int, joules float64) {
		p.Saw(search.Segment{Trial: 3, From: from, To: to}, &segment.Result{Budget: to, Beside: energy.Energy{Joules: joules}})
	}
	saw(0, 3, 10)
	saw(3, 9, 5)  // interrupted
	saw(3, 9, 20) // the same segment, as a whole
	if b := p.Before(search.Segment{Trial: 3, From: 3, To: 9}); b.Before != 10 || b.Segment.Joules != 20 {
		t.Errorf("%+v", b)
	}
	if b := p.Before(search.Segment{Trial: 3, From: 9, To: 27}); b.Before != 30 || b.Segment.Joules != 0 {
		t.Errorf("%+v", b)
	}
	if b := p.Before(search.Segment{Trial: 4, To: 3}); b.Before != 0 || b.Segment.Joules != 0 {
		t.Errorf("%+v", b)
	}
}
