package search

import (
	"math"
	"testing"
)

// A move goes along the slope to where a straight violation is 0: a third of them
// somewhere at random, of the others a third just there and two thirds beyond, by a
// step of any size up to that of the move itself; what would leave the range ends at
// its end, or half of the time anywhere on the way.
func TestMoveReachesTheBorder(t *testing.T) {
	for _, c := range []struct {
		condition string
		from      float64
		border    float64
	}{
		{"a >= 0.75", .25, .75}, {"1 - a >= 0.75", .75, .25}, {"a >= 0.75", 0, .75}, {"1 - a >= 0.75", 1, .25},
	} {
		s := Space{Float("a", 0, 1)}
		cs, err := Constrain(s, c.condition)
		if err != nil {
			t.Fatal(err)
		}
		const n = 9000
		dir := math.Copysign(1, c.border-c.from)
		step := math.Abs(c.border - c.from)
		at, beyond, decades, ends, short := 0, 0, [6]int{}, 0, 0
		for i := range n {
			p := Params{"a": c.from}
			q, v := cs.move(s, p, cs.Violation(p), Rand(7, i))
			if v != cs.Violation(q) || p["a"] != c.from {
				t.Fatalf("%v is said to miss by %v, not %v; it was %v", q, v, cs.Violation(q), p)
			}
			over := dir * (q["a"].(float64) - c.border)
			switch {
			case math.Abs(over) < 2e-8:
				at++
			case over > 0 && over < step*1.0001 && over > step*.99e-6:
				beyond++
				decades[min(int(-math.Log10(over/step)), 5)]++
			case over < 0:
				short++
			}
			if x := q["a"].(float64); x == 0 && dir < 0 || x == 1 && dir > 0 {
				ends++
			}
		}
		// Of the third that is drawn at random some fall beyond as well.
		if share := float64(at) / n; math.Abs(share-2./9) > .02 {
			t.Errorf("%s from %v: %.3f go to the border, want .222", c.condition, c.from, share)
		}
		for k := 1; k < 6; k++ { // the largest decade holds what is drawn at random, too
			if share := float64(decades[k]) / n; k > 1 && math.Abs(share-4./9/6) > .02 {
				t.Errorf("%s from %v: %.3f end %d decades beyond, want .074: %v", c.condition, c.from, share, k, decades)
			}
		}
		if want := 4. / 9 * math.Log10(step/.25) / 6 / 2; math.Abs(float64(ends)/n-want) > .004 {
			t.Errorf("%s from %v: %.4f end at the end of the range, want %.4f", c.condition, c.from, float64(ends)/n, want)
		}
		if share := float64(short) / n; math.Abs(share-.25) > .03 { // those at random
			t.Errorf("%s from %v: %.3f end before the border", c.condition, c.from, share)
		}
	}
}

// A parameter that exists only after a move is drawn; those that exist keep their
// values; a choice is drawn; nothing moves in a space without parameters.
func TestMoveKeepsTheOthers(t *testing.T) {
	s := Space{Float("a", 0, 1), Choice("c", "x", "y").When("y", Float("b", 0, 1)), Int("n", 1, 9)}
	cs, err := Constrain(s, "c == y", "n >= 3")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[any]bool{}
	for i := range 300 {
		p := Params{"a": .125, "c": "x", "n": 5}
		q, _ := cs.move(s, p, 1, Rand(3, i))
		if _, err := s.Check(q); err != nil {
			t.Fatal(err)
		}
		changed := 0
		for _, k := range []string{"a", "c", "n"} {
			if q[k] != p[k] {
				changed++
			}
		}
		if changed > 1 {
			t.Fatalf("%v became %v", p, q)
		}
		if q["c"] == "y" {
			drawn[q["b"]] = true
		}
	}
	if len(drawn) < 20 {
		t.Errorf("the new parameter is drawn %d times", len(drawn))
	}
	none, err := Constrain(nil, "1 > 2")
	if err != nil {
		t.Fatal(err)
	}
	p := Params{"other": 1}
	if q, v := none.move(nil, p, .5, Rand(1, 1)); v != .5 || q["other"] != 1 {
		t.Errorf("%v, %v", q, v)
	}
}

// On a grid the slope is that between neighbours, so that a whole number reaches the
// border at once too, from either end.
func TestMoveOnAGrid(t *testing.T) {
	s := Space{Int("n", 1, 100)}
	for condition, c := range map[string]struct {
		from  int
		share float64 // at least
	}{"n >= 60": {1, .7}, "101 - n >= 60": {100, .7}, "n >= 61": {50, .7}, "n == 73": {2, .3}} {
		cs, err := Constrain(s, condition)
		if err != nil {
			t.Fatal(err)
		}
		reached := 0
		const n = 3000
		for i := range n {
			p := Params{"n": c.from}
			q, v := cs.move(s, p, cs.Violation(p), Rand(5, i))
			if v == 0 {
				reached++
			}
			if x := q["n"].(int); x < 1 || x > 100 {
				t.Fatal(q)
			}
		}
		if share := float64(reached) / n; share < c.share {
			t.Errorf("%s from %d: %.3f reach it, want %v", condition, c.from, share, c.share)
		}
	}
}

// The slope is taken on either side, so that a side without one is no trap.
func TestMoveLooksToBothSides(t *testing.T) {
	s := Space{Float("a", 0, 1)}
	cs, err := Constrain(s, "max(a, 0.5) <= 0.25") // flat below 0.5
	if err != nil {
		t.Fatal(err)
	}
	ends := map[any]int{}
	most, n := 0, 6000
	for i := range n {
		p := Params{"a": .5}
		q, _ := cs.move(s, p, cs.Violation(p), Rand(4, i))
		ends[q["a"]]++
		most = max(most, ends[q["a"]])
	}
	// Two thirds are no jump, half of them see the slope, and a third of those goes to the border.
	if share := float64(most) / float64(n); math.Abs(share-1./9) > .015 {
		t.Errorf("%.3f follow the slope to the border, want .111", share)
	}
}

// Where nothing changes nearby a move is a jump.
func TestMoveJumpsWhereItIsFlat(t *testing.T) {
	s := Space{Float("a", 0, 1)}
	cs, err := Constrain(s, "a in [0.5]")
	if err != nil {
		t.Fatal(err)
	}
	sum, n := 0., 2000
	for i := range n {
		q, _ := cs.move(s, Params{"a": .1}, 1, Rand(9, i))
		sum += q["a"].(float64)
	}
	if mean := sum / float64(n); math.Abs(mean-.5) > .03 {
		t.Errorf("moves end at %v on average, want anywhere in [0, 1]", mean)
	}
}

// A space of up to 100,000 points is searched as a whole, a larger one is not.
func TestSatisfiableKnowsWhenItIsSure(t *testing.T) {
	for _, c := range []struct {
		n    int
		sure bool
	}{{100_000, true}, {100_001, false}} {
		s := Space{Int("a", 1, c.n)}
		cs, err := Constrain(s, "a < 1")
		if err != nil {
			t.Fatal(err)
		}
		if found, sure := cs.some(s); found || sure != c.sure {
			t.Errorf("%d points: found %v, sure %v", c.n, found, sure)
		}
		if cs, err = Constrain(s, "a == 77"); err != nil {
			t.Fatal(err)
		}
		if found, sure := cs.some(s); !found || !sure {
			t.Errorf("%d points: found %v, sure %v", c.n, found, sure)
		}
	}
}

// Repair stops when it has tried for long enough: here nothing helps.
func TestRepairGivesUp(t *testing.T) {
	s := Space{Float("a", 0, 1)}
	cs, err := Constrain(s, "a > 2")
	if err != nil {
		t.Fatal(err)
	}
	if q, ok := cs.Repair(s, Params{"a": .5}, Rand(1, 1)); ok || q != nil {
		t.Errorf("%v, %v", q, ok)
	}
	// What is nearly right is moved, not drawn anew.
	s = append(s, Float("b", 0, 1))
	if cs, err = Constrain(s, "a < 0.5"); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if q, ok := cs.Repair(s, Params{"a": .6, "b": .123}, Rand(2, i)); !ok || !cs.Hold(q) {
			t.Fatalf("%v, %v", q, ok)
		}
	}
}
