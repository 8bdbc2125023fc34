package nas

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

func TestReferencePoints(t *testing.T) {
	for _, c := range []struct{ m, n, want int }{{1, 20, 1}, {2, 20, 20}, {3, 20, 15}, {3, 91, 91}, {5, 20, 15}, {8, 4, 8}} {
		got := referencePoints(c.m, c.n)
		if len(got) != c.want {
			t.Errorf("%d points of %d coordinates within %d, want %d", len(got), c.m, c.n, c.want)
		}
		for _, p := range got {
			sum := 0.
			for _, x := range p {
				sum += x
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%v is not on the simplex", p)
			}
		}
	}
}

// The plane through (1, 1, 0), (0, 2, 0) and (0, 0, 4) meets the axes at 2, 2, 4;
// no plane of three points on a line meets all axes.
func TestIntercepts(t *testing.T) {
	got := intercepts([][]float64{{1, 1, 0}, {0, 2, 0}, {0, 0, 4}})
	if len(got) != 3 || math.Abs(got[0]-2)+math.Abs(got[1]-2)+math.Abs(got[2]-4) > 1e-12 {
		t.Errorf("%v", got)
	}
	if got := intercepts([][]float64{{1, 0, 0}, {1, 0, 0}, {0, 0, 1}}); got != nil {
		t.Errorf("%v", got)
	}
}

// Many points crowd in one corner of a sphere, in axes of very different scale,
// and one lies near each reference direction: those are what survives.
func TestNichesAreFilled(t *testing.T) {
	points := referencePoints(3, 20)
	scale := []float64{1, 1000, 1e-3}
	r := search.Rand(1, 0)
	on := func(w []float64, jitter float64) *individual {
		x, length := make([]float64, 3), 0.
		for k := range x {
			x[k] = w[k] + jitter*r.Float64()
			length += x[k] * x[k]
		}
		for k := range x {
			x[k] *= scale[k] / math.Sqrt(length)
		}
		return &individual{losses: x}
	}
	var all []*individual
	for range 200 {
		all = append(all, on([]float64{1, .1, .1}, .05))
	}
	for i, w := range points {
		x := on(w, 0)
		x.trial = i + 1
		all = append(all, x)
	}
	alone := 0
	for _, i := range survivors(all, len(points), points, r) {
		if i.trial > 0 {
			alone++
		}
	}
	if alone != len(points) {
		t.Errorf("%d of %d niches are filled by those that lie in them", alone, len(points))
	}
}

// As many survive as there is room for, none that another one left out
// dominates, each once.
func TestSpreadIsElitist(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 4).Draw(t, "objectives")
		all := make([]*individual, rapid.IntRange(1, 30).Draw(t, "individuals"))
		for i := range all {
			all[i] = &individual{trial: i}
			for range m {
				all[i].losses = append(all[i].losses, float64(rapid.IntRange(0, 6).Draw(t, "loss")))
			}
		}
		size := rapid.IntRange(1, 35).Draw(t, "size")
		got := survivors(all, size, referencePoints(m, size), search.Rand(1, 0))
		if len(got) != min(size, len(all)) {
			t.Fatalf("%d of %d survive where there is room for %d", len(got), len(all), size)
		}
		in := make([]bool, len(all))
		for _, i := range got {
			if in[i.trial] {
				t.Fatalf("%d survives twice", i.trial)
			}
			in[i.trial] = true
		}
		for i := range all {
			for j := range all {
				if !in[i] && in[j] && search.Dominates(all[i].losses, all[j].losses) {
					t.Fatalf("%v survives, %v does not", all[j].losses, all[i].losses)
				}
			}
		}
	})
}

// Where three goals pull apart, each a distance to a corner of its own, NSGA-III
// covers more than random search.
func TestNSGA3CoversMoreThanRandom(t *testing.T) {
	space := bind(t, Spec{Family: "mlp", Depth: []int{1, 2}, Width: []int{8, 32}}, data.Shape{4})
	var hyper search.Space
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		hyper = append(hyper, search.Float(name, 0, 1))
	}
	corner := func(own ...string) lossFunc {
		return func(_ engine.Seq, _ engine.Cost, p search.Params) float64 {
			sum := 0.
			for _, d := range hyper.Dims() {
				x := p[d.Name].(float64) - .2
				if slices.Contains(own, d.Name) {
					x -= .6
				}
				sum += x * x
			}
			return math.Sqrt(sum)
		}
	}
	area := func(s search.Sampler) float64 {
		var points [][]float64
		for _, r := range study(t, s, space, hyper, 300, 1, corner("a", "b"), corner("c", "d"), corner("e", "f")) {
			m := r.Measurements[0].Metrics
			points = append(points, []float64{m["0"], m["1"], m["2"]})
		}
		return search.Hypervolume(points, []float64{1, 1, 1})
	}
	if nsga, random := area(NSGA3{Space: space}), area(Random{space}); nsga < random*1.5 {
		t.Errorf("NSGA-III covers %.4g, random search %.4g", nsga, random)
	} else {
		t.Logf("NSGA-III %.4g, NSGA-II %.4g, random %.4g", nsga, area(NSGA2{Space: space}), random)
	}
}

// The same past gives the same population, and later trials do not change what a
// generation before them left.
func TestGenerationsRepeat(t *testing.T) {
	r := search.Rand(2, 0)
	all := make([]*individual, 60)
	for i := range all {
		all[i] = &individual{trial: i, losses: []float64{r.Float64(), r.Float64(), r.Float64()}}
	}
	points := referencePoints(3, 20)
	trials := func(all []*individual) (out []int) {
		for _, i := range new(nicheMemo).of(all, 20, points, 7) {
			out = append(out, i.trial)
		}
		return out
	}
	if a, b := trials(all), trials(all); !slices.Equal(a, b) || len(a) != 20 {
		t.Errorf("%v, then %v", a, b)
	}
	first := trials(all[:20])
	slices.Sort(first)
	if len(first) != 20 || first[19] != 19 {
		t.Errorf("the first generation is %v", first)
	}
}
