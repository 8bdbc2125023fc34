package hpo

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"budwood/search"
	"budwood/search/searchtest"
)

func TestEvolution(t *testing.T) {
	t.Parallel()
	searchtest.Sampler(t, Evolution{})
}
func TestNSGA2(t *testing.T) { searchtest.Pareto(t, NSGA2{}) }
func TestMOTPE(t *testing.T) { searchtest.Pareto(t, MOTPE{}) }
func TestEHVI(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	searchtest.Pareto(t, &EHVI{})
}

// The expected improvement of the volume agrees with the mean over draws.
func TestEHVIByDraws(t *testing.T) {
	c, points, y := gpCase(12)
	var m ehviModel
	m.c = c
	k := newKernel(c)
	other := make([]float64, len(y))
	for i := range y {
		other[i] = math.Sin(3*y[i]) + .3*y[i]
	}
	m.p[0] = newPosterior(k, points, y, cholesky{})
	m.p[1] = newPosterior(newKernel(c), points, other, cholesky{})
	x := make([]float64, len(c.dims))
	copy(x, points[0])
	for i := range x {
		if x[i] == x[i] {
			x[i] = .9*x[i] + .05
		}
	}
	var mu, sigma [2]float64
	for o, p := range m.p {
		mu[o], sigma[o] = p.predict(x)
	}
	var front [][]float64
	for _, z := range [][2]float64{{-1, 1}, {0, .2}, {.5, -1.5}} { // around the prediction
		f := [2]float64{mu[0] + z[0]*sigma[0], mu[1] + z[1]*sigma[1]}
		m.front, front = append(m.front, f), append(front, f[:])
	}
	m.ref = [2]float64{mu[0] + sigma[0], mu[1] + 1.5*sigma[1]}
	rng := rngOf(5)
	const n = 200_000
	sum, squares := 0., 0.
	before := search.Hypervolume(front, m.ref[:])
	for range n {
		z := []float64{mu[0] + sigma[0]*rng.NormFloat64(), mu[1] + sigma[1]*rng.NormFloat64()}
		v := search.Hypervolume(append(front[:3:3], z), m.ref[:]) - before
		sum, squares = sum+v/n, squares+v*v/n
	}
	if got, off := m.improvement(x), 5*math.Sqrt((squares-sum*sum)/n); math.Abs(got-sum) > off || !(got > 0) {
		t.Errorf("the expected improvement is %v, the mean over draws %v ± %v", got, sum, off)
	}
}

func rngOf(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// A proposal for two objectives after so many trials.
func BenchmarkEHVI(b *testing.B) {
	for _, n := range []int{100, 300, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			p := searchtest.Sphere(5)
			req := search.Request{Space: p.Space, Objectives: []search.Objective{{Metric: "a"}, {Metric: "b"}}, First: n, N: 1}
			for id := range n {
				x := p.Space.Sample(search.Rand(1, id))
				v, _ := search.Number(x["x0"])
				req.Past = append(req.Past, search.Record{Trial: search.Trial{ID: id, Params: x}, State: search.Completed,
					Measurements: []search.Measurement{{Budget: 1, Metrics: search.Metrics{"a": p.F(x), "b": v*v + .1*p.F(x)}}}})
			}
			s := &EHVI{}
			for b.Loop() {
				if _, err := s.Propose(context.Background(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
