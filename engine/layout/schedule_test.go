package layout

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// text is a stage's list: f0 b0 for micro-batch 0 forward and backward, f0.1 in chunk 1.
func (s *Schedule) text(stage int) string {
	var out []string
	for _, op := range s.Stages[stage] {
		letter := "f"
		if op.Backward {
			letter = "b"
		}
		w := fmt.Sprint(letter, op.Micro)
		if s.Chunks > 1 {
			w += fmt.Sprint(".", op.Chunk)
		}
		out = append(out, w)
	}
	return strings.Join(out, " ")
}

// The lists are those drawn in figures 3 and 4 of the paper.
func TestSchedulesAreThoseOfThePaper(t *testing.T) {
	s, err := OneForwardOneBackward(4, 8)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"f0 f1 f2 f3 b0 f4 b1 f5 b2 f6 b3 f7 b4 b5 b6 b7",
		"f0 f1 f2 b0 f3 b1 f4 b2 f5 b3 f6 b4 f7 b5 b6 b7",
		"f0 f1 b0 f2 b1 f3 b2 f4 b3 f5 b4 f6 b5 f7 b6 b7",
		"f0 b0 f1 b1 f2 b2 f3 b3 f4 b4 f5 b5 f6 b6 f7 b7",
	} {
		if got := s.text(i); got != want {
			t.Errorf("stage %d: %s, want %s", i, got, want)
		}
	}
	if s, err = Interleaved(2, 4, 2); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{
		"f0.0 f1.0 f0.1 f1.1 f2.0 b0.1 f3.0 b1.1 f2.1 b0.0 f3.1 b1.0 b2.1 b3.1 b2.0 b3.0",
		"f0.0 f1.0 f0.1 b0.1 f1.1 b1.1 f2.0 b0.0 f3.0 b1.0 f2.1 b2.1 f3.1 b3.1 b2.0 b3.0",
	} {
		if got := s.text(i); got != want {
			t.Errorf("chunks, stage %d: %s, want %s", i, got, want)
		}
	}
}

// With equal stages the bubble is (p−1)/(m+p−1) of a step, with v chunks
// (p−1)/(v·m+p−1); and every schedule ends.
func TestBubbleOfEqualStages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.IntRange(1, 12).Draw(t, "stages")
		v := rapid.IntRange(1, 4).Draw(t, "chunks")
		m := p * rapid.IntRange(1, 6).Draw(t, "rounds")
		if v == 1 {
			m = rapid.IntRange(1, 40).Draw(t, "micro")
		}
		s, err := Interleaved(p, m, v)
		if err != nil {
			t.Fatal(err)
		}
		f, b := rapid.Float64Range(.1, 3).Draw(t, "forward"), rapid.Float64Range(.1, 3).Draw(t, "backward")
		took, err := s.Time(repeat(f, p*v), repeat(b, p*v))
		if err != nil {
			t.Fatal(err)
		}
		want := float64(p-1) / float64(v*m+p-1)
		if got := 1 - float64(m*v)*(f+b)/took; math.Abs(got-want) > 1e-9 {
			t.Fatalf("bubble %v, want %v", got, want)
		}
	})
}

func repeat(x float64, n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = x
	}
	return out
}

// Stage i holds min(m, p−i) micro-batches at most.
func TestMicroBatchesHeld(t *testing.T) {
	for _, c := range []struct{ p, m int }{{4, 8}, {4, 2}, {1, 3}, {6, 6}} {
		s, err := OneForwardOneBackward(c.p, c.m)
		if err != nil {
			t.Fatal(err)
		}
		for i, ops := range s.Stages {
			held, most := 0, 0
			for _, op := range ops {
				if op.Backward {
					held--
				} else {
					held++
				}
				most = max(most, held)
			}
			if want := min(c.m, c.p-i); most != want {
				t.Errorf("%d stages, %d micro-batches: stage %d holds %d, want %d", c.p, c.m, i, most, want)
			}
		}
	}
}

// A schedule that waits for itself is found when it is looked at.
func TestScheduleThatStandsStill(t *testing.T) {
	s, err := OneForwardOneBackward(2, 2)
	if err != nil {
		t.Fatal(err)
	}
	last := s.Stages[1]
	last[0], last[1] = last[1], last[0] // backward before forward
	if err := s.check(); err == nil || !strings.Contains(err.Error(), "stands still") {
		t.Errorf("got %v", err)
	}
	s.Stages[1] = last[:2]
	last[0], last[1] = last[1], last[0]
	s.Stages[0] = s.Stages[0][:1]
	if err := s.check(); err == nil {
		t.Error("a schedule that leaves work out passes")
	}
	if _, err := Interleaved(4, 6, 2); err == nil || !strings.Contains(err.Error(), "use a multiple of 4") {
		t.Errorf("got %v", err)
	}
}

// Of a long step the middle need not be simulated.
func TestLongStepsAreExtended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := Plan{Pipeline: rapid.IntRange(1, 6).Draw(t, "stages"), Chunks: rapid.IntRange(1, 3).Draw(t, "chunks")}
		forward := rapid.SliceOfN(rapid.Float64Range(.1, 2), p.Pipeline*p.Chunks, p.Pipeline*p.Chunks).Draw(t, "forward")
		backward := rapid.SliceOfN(rapid.Float64Range(.1, 2), len(forward), len(forward)).Draw(t, "backward")
		slowest := 0.0
		for i := range p.Pipeline {
			busy := 0.0
			for q := i; q < len(forward); q += p.Pipeline {
				busy += forward[q] + backward[q]
			}
			slowest = max(slowest, busy)
		}
		p.MicroBatches = rapid.IntRange(5, 60).Draw(t, "rounds") * p.Pipeline
		got, err := simulate(p, forward, backward, slowest, 0)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Interleaved(p.Pipeline, p.MicroBatches, p.Chunks)
		if err != nil {
			t.Fatal(err)
		}
		want, err := s.Time(forward, backward)
		if err != nil {
			t.Fatal(err)
		}
		most := .01
		if p.Chunks > 1 {
			most = .02 // uneven chunks wait for each other in every round
		}
		if e := got/want - 1; e > most || e < -most {
			t.Fatalf("%v, and all of it takes %v", got, want)
		}
	})
}
