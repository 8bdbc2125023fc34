package budwood_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"testing"

	"budwood"
	"budwood/hpo"
	"budwood/search"
	"budwood/search/searchtest"
)

// nearest draws five points for each trial and proposes the one that is nearest to
// the best trial so far.
type nearest struct{}

func (nearest) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	var out []search.Params
	for range req.N {
		one := req // the next trial of the request
		one.First, one.N = req.First+len(out), 1
		best, near := search.Params(nil), math.Inf(1)
		for k := range 5 {
			one.Seed = req.Seed + uint64(k)
			p, err := hpo.Random{}.Propose(ctx, one) // new points that satisfy the constraints
			if err != nil {
				return out, err
			}
			if d := far(req, p[0]); best == nil || d < near {
				best, near = p[0], d
			}
		}
		out = append(out, best)
		req.Past = append(req.Past[:len(req.Past):len(req.Past)], search.Record{Trial: search.Trial{ID: one.First, Params: best}})
	}
	return out, nil
}

// far is the distance of a point from the best trial, in the unit cube of the space.
func far(req search.Request, p search.Params) (d float64) {
	best, least := search.Params(nil), math.Inf(1)
	for i := range req.Past {
		if loss, ok := req.Past[i].Loss(req.Objectives[0]); ok && loss < least {
			best, least = req.Past[i].Params, loss
		}
	}
	for _, dim := range req.Space.Dims() {
		if u, err := dim.Encode(p[dim.Name]); err == nil { // else it does not exist in this branch
			if v, err := dim.Encode(best[dim.Name]); err == nil {
				d += (u - v) * (u - v)
			}
		}
	}
	return d
}

// A sampler of your own, in place of a name: with Local as here, and with Run.
func ExampleStudy_sampler() {
	home, err := os.MkdirTemp("", "budwood")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	lr := search.LogFloat("lr", 1e-4, 1)
	study := budwood.Study{Name: "own", Space: search.Space{lr}, Sampler: nearest{}, Trials: 30, Epochs: 3, Seed: 7, Parallel: 1, Home: home}
	res, err := study.Local(context.Background(), func(ctx context.Context, t *budwood.Trial) error {
		for range t.Epochs() {
			t.Report(math.Abs(math.Log10(lr.In(t)) + 2)) // the best rate is 0.01
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(res.Trials[29].Source, math.Abs(math.Log10(lr.In(res.Best.Params))+2) < .2)
	// Output: budwood_test.nearest true
}

// The conformance suite finds what a sampler gets wrong before a study does.
func TestNearest(t *testing.T) {
	searchtest.Sampler(t, nearest{})
}

// What is neither a name nor a sampler is told of, and so is an unknown name.
func TestStudySampler(t *testing.T) {
	for want, v := range map[string]any{
		`Study.Sampler: int is neither a name nor a search.Sampler`: 5,
		`search.sampler: there is no "gauss"`:                       "gauss",
	} {
		_, err := budwood.Study{Name: "s", Space: search.Space{search.Float("x", 0, 1)}, Sampler: v}.Spec()
		if err == nil || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
