package study

import (
	"testing"
	"time"

	"budwood/search"
)

// What is left is kept for the best trial from the moment it is just enough, and not
// where there is no best trial, nothing is known of its cost, or nothing waits.
func TestReserve(t *testing.T) {
	row := Row{Trial: 3, State: search.Paused, Budget: 2, Joules: 20, Seconds: 4}
	spent := reserve{Elapsed: 99 * time.Second, Joules: 99, Segments: 1, Seconds: 1, Epochs: 1}
	ask := func(rows []Row, r reserve, running map[int]search.Segment, before string, edit func(*Spec)) string {
		s := &Spec{Budget: Budget{Epochs: 4, Time: Duration(100 * time.Second)}, Search: Search{Scheduler: "asha"}}
		if edit != nil {
			edit(s)
		}
		return s.concluding(&Leaderboard{Rows: rows}, r, running, before)
	}
	energy := func(wh float64) func(*Spec) {
		return func(s *Spec) { s.Budget.Time, s.Budget.EnergyWh = 0, wh }
	}
	edit := func(f func(*Row)) []Row { r := row; f(&r); return []Row{r} }
	for _, c := range []struct {
		name string
		got  string
		want bool
	}{
		{"time", ask([]Row{row}, spent, nil, "", nil), true},
		{"nothing is known", ask(nil, spent, nil, "", nil), false},
		{"without an epoch", ask(edit(func(r *Row) { r.Budget = 0 }), spent, nil, "", nil), false},
		{"after one epoch", ask(edit(func(r *Row) { r.Budget = 1 }), spent, nil, "", nil), true},
		{"no segment was seen", ask([]Row{row}, reserve{Elapsed: spent.Elapsed}, nil, "before", nil), false},
		{"trained to the end", ask(edit(func(r *Row) { r.Budget = 4 }), spent, nil, "", nil), false},
		{"all but one epoch", ask(edit(func(r *Row) { r.Budget = 3 }), spent, nil, "", nil), true},
		// it owes 2 epochs of 10 J, a tenth more: 22 J
		{"energy", ask([]Row{row}, reserve{Joules: 78, Segments: 1, Epochs: 1}, nil, "", energy(100./3600)), true},
		{"more energy", ask([]Row{row}, reserve{Joules: 77.9, Segments: 1, Epochs: 1}, nil, "", energy(100./3600)), false},
		{"energy, trained by nobody", ask([]Row{row}, reserve{Joules: 50, Segments: 1}, map[int]search.Segment{4: {Trial: 4, To: 1}}, "", energy(100./3600)), true},
		// one that runs takes 1 epoch of 15 J: 37 J
		{"energy, one runs", ask([]Row{row}, reserve{Joules: 63, Segments: 1, Epochs: 4}, map[int]search.Segment{4: {Trial: 4, From: 1, To: 2}}, "", energy(100./3600)), true},
		{"energy, the best itself runs", ask([]Row{row}, reserve{Joules: 63, Segments: 1, Epochs: 4}, map[int]search.Segment{3: {Trial: 3, From: 2, To: 4}}, "", energy(100./3600)), false},
		{"energy, one runs, earlier", ask([]Row{row}, reserve{Joules: 60, Segments: 1, Epochs: 4}, map[int]search.Segment{4: {Trial: 4, From: 1, To: 2}}, "", energy(100./3600)), false},
		{"energy, no epoch was seen", ask([]Row{row}, reserve{Joules: 20, Segments: 1}, map[int]search.Segment{4: {Trial: 4, To: 1}}, "", energy(100./3600)), false},
		{"no budget", ask([]Row{row}, spent, nil, "before", energy(0)), false},
		// all of a budget but four fifths is for the search
		{"a share of a short time", ask(edit(func(r *Row) { r.Seconds = 40 }), reserve{Elapsed: 2 * time.Second, Segments: 1}, nil, "", func(s *Spec) { s.Budget.Time = Duration(10 * time.Second) }), true},
		{"a share of little energy", ask([]Row{row}, reserve{Joules: 2, Segments: 1, Epochs: 1}, nil, "", energy(10./3600)), true},
		{"a share of little energy, earlier", ask([]Row{row}, reserve{Joules: 1.9, Segments: 1, Epochs: 1}, nil, "", energy(10./3600)), false},
	} {
		if (c.got != "") != c.want {
			t.Errorf("%s: %q", c.name, c.got)
		}
	}
}

// Whether a study concludes is asked while it searches: not of one that does not
// train its best trial to the end, that closes, or whose search is over.
func TestConclude(t *testing.T) {
	for _, c := range []struct {
		settles, final bool
		closing        string
		want           bool
	}{{true, false, "", true}, {false, false, "", false}, {true, true, "", false}, {true, false, "why", false}} {
		p := policed(func(s *Spec) { s.Search.Scheduler, s.Budget.Time = "asha", Duration(100*time.Second) })
		p.Leaderboard.Rows = []Row{{Trial: 3, State: search.Paused, Budget: 2, Seconds: 4}}
		p.Throughput.Segments = 1
		p.Loop.Settles, p.Loop.Final, p.Loop.Closing = c.settles, c.final, c.closing
		if p.Conclude("", p.Began.Add(99*time.Second)); (p.Loop.Settling != "") != c.want {
			t.Errorf("%+v: %q", c, p.Loop.Settling)
		}
	}
}
