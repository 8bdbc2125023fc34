package engine

import (
	"fmt"
	"math"
	"slices"
	"time"

	"budwood/engine/layout"
)

// Measured is what the steps of a trainer have taken since it was made: the counterpart of
// a [Prediction].
type Measured struct {
	Steps   int
	Seconds float64   // in steps, by the clock
	Sent    float64   // bytes that this rank has sent in them; 0 also where the link does not count them
	Waited  []float64 // of each rank: seconds for the others, once its own micro-batches were computed; nil: there are no others
	Slowest string    // the rank that waited least: "rank 1 on host/7"
	Bubble  float64   // share of the steps in which the busiest stage of a pipeline has waited for others; 0: there are no stages, or they took turns
}

// Beside says it in one line, beside what was predicted (nil: nothing was): "1.3 ms a step
// (predicted 1.2 ms), …".
func (m *Measured) Beside(p *Prediction) string {
	n := float64(max(m.Steps, 1))
	text := milliseconds(m.Seconds/n) + " a step"
	if p != nil {
		text += fmt.Sprintf(" (predicted %s)", milliseconds(p.Step.Time.Step))
	}
	if m.Bubble > 0 {
		text += fmt.Sprintf(", bubble %.1f %%", 100*m.Bubble)
		if p != nil {
			text += fmt.Sprintf(" (predicted %.1f %%)", 100*math.Max(0, p.Step.Time.Bubble/p.Step.Time.Step))
		}
	}
	if m.Waited == nil {
		return text
	}
	if m.Sent > 0 {
		text += fmt.Sprintf(", a rank sent %s", layout.Bytes(m.Sent/n))
		if p != nil {
			text += fmt.Sprintf(" (predicted %s)", layout.Bytes(p.Step.Sent.Total()))
		}
	}
	share := 100 * slices.Max(m.Waited) / max(m.Seconds, 1e-9)
	return text + fmt.Sprintf(", ranks waited up to %.0f %% of it for the slowest, %s", share, m.Slowest)
}

// timing is what a trainer counts for [Measured].
type timing struct {
	steps        int
	took, waited time.Duration
	sent         uint64
	bubble       bubble        // of all steps
	told         bubble        // of those that Bubble has told of
	piped        time.Duration // of the steps in which lanes were stages
}

// timed runs a step.
func (t *Trainer) timed() {
	began, sent, span := time.Now(), t.ranks.sent(), t.timing.bubble.span
	t.compute()
	took := time.Since(began)
	t.timing.steps++
	t.timing.took += took
	if t.timing.bubble.span > span {
		t.timing.piped += took
	}
	t.timing.sent += t.ranks.sent() - sent
}

// sent is the bytes that the link has counted.
func (r *ranks) sent() uint64 {
	if r == nil {
		return 0
	}
	if l, ok := r.link.(interface {
		Traffic() (sent, received uint64)
	}); ok {
		sent, _ := l.Traffic()
		return sent
	}
	return 0
}

// share is that of a stage's seconds in which it was not busy.
func (c *timing) share(busy, span float64) float64 {
	if c.piped == 0 {
		return 0
	}
	return (span - busy) / c.piped.Seconds()
}

// Measured says what the steps have taken. All ranks call it together; the error is that
// of the link.
func (t *Trainer) Measured() (Measured, error) {
	c, r := &t.timing, t.ranks
	m := Measured{Steps: c.steps, Seconds: c.took.Seconds(), Sent: float64(c.sent)}
	if r == nil {
		m.Bubble = c.share(c.bubble.busy.Seconds(), c.bubble.span.Seconds())
		return m, nil
	}
	n, own := r.all.Size(), r.all.Member()
	all := make([]float64, 3*n)
	m.Waited = all[:n:n]
	busy, span := all[n:2*n], all[2*n:]
	m.Waited[own], busy[own], span[own] = c.waited.Seconds(), c.bubble.busy.Seconds(), c.bubble.span.Seconds()
	if err := r.all.Sum64([][]float64{all}); err != nil {
		return m, fmt.Errorf("trainer: %w", r.fail(err))
	}
	m.Bubble = c.share(slices.Max(busy), slices.Max(span))
	least := slices.Index(m.Waited, slices.Min(m.Waited))
	name, err := r.say(least, t.cfg.Mesh.Who)
	if err != nil {
		return m, fmt.Errorf("trainer: %w", r.fail(err))
	}
	m.Slowest = fmt.Sprintf("rank %d", least)
	if name != "" {
		m.Slowest += " on " + name
	}
	return m, nil
}
