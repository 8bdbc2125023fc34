package study

import (
	"context"
	"math"
	"time"

	"budwood/search"
)

// sized is a sampler over networks that begins with a share of the trials that the study
// will have, at random: of those that its budget names or, if these are fewer, of those
// for which its time and energy are enough, judged by what the trials so far have taken.
type sized struct {
	with     func(trials int) search.Sampler
	trials   int
	parallel int
	seconds  float64 // 0: no limit
	joules   float64 // 0: no limit
}

var _ search.Sampler = sized{}

// Propose asks the sampler for so many trials.
func (s sized) Propose(ctx context.Context, req search.Request) ([]search.Params, error) {
	return s.with(s.expected(req.Past)).Propose(ctx, req)
}

// expected is how many trials the study will have; 0 as long as none has taken time.
func (s sized) expected(past []search.Record) int {
	n := 0
	var seconds, joules float64
	for i := range past {
		if r := &past[i]; r.Seconds > 0 && !math.IsInf(r.Seconds, 0) {
			n, seconds, joules = n+1, seconds+r.Seconds, joules+max(r.Joules, 0)
		}
	}
	if n == 0 {
		return 0
	}
	out := float64(s.trials)
	if s.seconds > 0 {
		out = min(out, s.seconds*float64(max(s.parallel, 1))*float64(n)/seconds)
	}
	if s.joules > 0 && joules > 0 {
		out = min(out, s.joules*float64(n)/joules)
	}
	return int(out)
}

// sized is what makes a sampler for a number of trials, or that sampler where nothing
// but the number limits them.
func (s *Spec) sized(with func(trials int) search.Sampler) search.Sampler {
	if s.Budget.Time <= 0 && s.Budget.EnergyWh <= 0 {
		return with(s.Budget.Trials)
	}
	return sized{with: with, trials: s.Budget.Trials, parallel: s.Search.Parallel,
		seconds: time.Duration(s.Budget.Time).Seconds(), joules: 3600 * s.Budget.EnergyWh}
}
