package search_test

import (
	"math"
	"strings"
	"testing"

	"budwood/search"
)

// The volume of a front is its share of the box from the worst to the best values:
// by hand, for two trials and three.
func TestFrontVolume(t *testing.T) {
	done := func(points ...[2]float64) (out []search.Record) {
		for i, p := range points {
			out = append(out, tried(i, search.Completed, 9, p[0], p[1]))
		}
		return out
	}
	for _, c := range []struct {
		points [][2]float64
		want   float64
	}{
		{[][2]float64{{1, 5}, {3, 2}}, 0}, // each is the worst in something
		{[][2]float64{{1, 5}, {3, 2}, {5, 6}}, (4*1 + 2*3) / (4. * 4)},
		{[][2]float64{{1, 5}, {3, 2}, {5, 6}, {4, 4}}, (4*1 + 2*3) / (4. * 4)}, // dominated: nothing more
		{[][2]float64{{-1, 0}, {3, 2}}, 1},
		{[][2]float64{{1, 2}, {3, 2}}, 0}, // no difference in one of them
		{[][2]float64{{1, 2}}, 0},
	} {
		if got := search.ParetoFront(done(c.points...), lossAndEnergy).Volume; !(math.Abs(got-c.want) <= 1e-12) {
			t.Errorf("%v: %v, want %v", c.points, got, c.want)
		}
	}
}

// The front lists the best by the first objective first, of equals the first
// trial, with its values; the other way round for a metric that is to be large.
func TestFrontIsInOrder(t *testing.T) {
	all := []search.Record{
		tried(0, search.Completed, 9, .3, 1), tried(1, search.Completed, 9, .1, 5), tried(2, search.Completed, 9, .2, 3),
		tried(3, search.Completed, 9, .2, 3), tried(4, search.Completed, 9, .1, 5),
	}
	f := search.ParetoFront(all, lossAndEnergy)
	if got := onFront(f); !equalInts(got, 1, 4, 2, 3, 0) || !f.Has(3) || f.Has(7) {
		t.Errorf("the front is %v", got)
	}
	if v := f.Trials[0].Values; v[0] != .1 || v[1] != 5 || f.Trials[0].Budget != 9 {
		t.Errorf("%+v", f.Trials[0])
	}
	near := []search.Record{tried(0, search.Completed, 9, 1, .5), tried(1, search.Completed, 9, 2, .3)}
	if got := onFront(search.ParetoFront(near, lossAndEnergy)); !equalInts(got, 0, 1) {
		t.Errorf("the front is %v", got)
	}
	f = search.ParetoFront(all, []search.Objective{{Metric: "loss", Goal: search.Maximize}})
	if got := onFront(f); !equalInts(got, 0) || f.Trials[0].Values[0] != .3 {
		t.Errorf("the front is %+v", f)
	}
	if f = search.ParetoFront(all, []search.Objective{{Metric: "other"}}); f.Compared != 0 {
		t.Errorf("%+v without values", f)
	}
	if f = search.ParetoFront(all, nil); f.Compared != 0 {
		t.Errorf("%+v without objectives", f)
	}
}

func equalInts(got []int, want ...int) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i] != want[i] {
			return false
		}
	}
	return true
}

func TestFrontInWords(t *testing.T) {
	one := search.Front{Trials: make([]search.FrontTrial, 1), Compared: 2, Budget: 9}
	if got := one.String(); !strings.HasPrefix(got, "1 trial that no other beats") || strings.Contains(got, "not compared") {
		t.Error(got)
	}
	two := search.Front{Trials: make([]search.FrontTrial, 2), Compared: 5, Early: 1, Open: 2, Shared: 3, Budget: 27}
	if got := two.String(); !strings.HasPrefix(got, "2 trials that") || !strings.Contains(got, "of 5 trained to the end (27 epochs") ||
		!strings.HasSuffix(got, "; not compared: 1 stopped before, 2 on their way, 3 evaluated with shared weights") {
		t.Error(got)
	}
}

func TestDominatesByHand(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want bool
	}{
		{[]float64{1, 2}, []float64{2, 2}, true}, {[]float64{2, 1}, []float64{2, 2}, true}, {[]float64{2, 2}, []float64{2, 2}, false}, {[]float64{1, 3}, []float64{2, 2}, false},
		{[]float64{3, 1}, []float64{2, 2}, false}, {[]float64{1, 1, 1}, []float64{1, 2, 1}, true}, {nil, nil, false},
	} {
		if got := search.Dominates(c.a, c.b); got != c.want {
			t.Errorf("%v dominates %v: %v", c.a, c.b, got)
		}
	}
}

// Those that are set aside are not counted, whichever they are.
func TestCounted(t *testing.T) {
	all := []search.Record{tried(0, search.Completed, 9, .3, 1), tried(1, search.Completed, 9, .2, 1), tried(2, search.Completed, 9, .1, 1)}
	if got := search.Counted(all); len(got) != 3 {
		t.Errorf("%d of three", len(got))
	}
	all[0].Aside, all[2].Aside = "a wrong label", "another"
	if got := search.Counted(all); len(got) != 1 || got[0].ID != 1 {
		t.Errorf("%+v", got)
	}
}

// What is set aside has no loss.
func TestLossOfWhatIsSetAside(t *testing.T) {
	r := tried(0, search.Completed, 9, .3, 1)
	r.Aside = "a wrong label"
	if l, ok := r.Loss(lossAndEnergy[0]); ok || l != 0 {
		t.Errorf("%v, %v", l, ok)
	}
	if _, ok := r.Losses(lossAndEnergy); ok {
		t.Error("it has losses")
	}
	r = tried(0, search.Completed, 9, math.Inf(-1), 1)
	if l, ok := r.Loss(lossAndEnergy[0]); ok || l != 0 {
		t.Errorf("%v, %v: it is not finite", l, ok)
	}
}

// Only a study where some trial was evaluated with shared weights has trials that are
// apart: those that were trained from scratch, except for the first, which trained the
// weights.
func TestFrontWithOneTrainedBesideShared(t *testing.T) {
	evaluated := func(id int, loss, wh float64) search.Record {
		r := tried(id, search.Completed, 40, loss, wh)
		r.Measurements[0].Metrics[search.SharedEpochs] = 0
		return r
	}
	all := []search.Record{evaluated(0, .1, 1), evaluated(1, .2, 2), {Trial: search.Trial{ID: 2}, State: search.Running}}
	if f := search.ParetoFront(all, lossAndEnergy); f.Shared != 0 || f.Compared != 2 {
		t.Errorf("%+v: nothing was trained by itself", f)
	}
	all = append(all, tried(3, search.Paused, 9, .3, 3))
	if f := search.ParetoFront(all, lossAndEnergy); f.Shared != 2 || f.Compared != 1 || !f.Has(3) {
		t.Errorf("%+v: t3 was", f)
	}
	if r := all[0]; r.Epochs() != 0 || all[3].Epochs() != 9 || all[2].Epochs() != 0 {
		t.Error("epochs")
	}
}
