package engine

import (
	"fmt"
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
}

// Beside says it in one line, beside what was predicted (nil: nothing was): "1.3 ms a step
// (predicted 1.2 ms), …".
func (m *Measured) Beside(p *Prediction) string {
	n := float64(max(m.Steps, 1))
	text := milliseconds(m.Seconds/n) + " a step"
	if p != nil {
		text += fmt.Sprintf(" (predicted %s)", milliseconds(p.Step.Time.Step))
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
}

// timed runs a step.
func (t *Trainer) timed() {
	began, sent := time.Now(), t.ranks.sent()
	t.compute()
	t.timing.steps++
	t.timing.took += time.Since(began)
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

// Measured says what the steps have taken. All ranks call it together; the error is that
// of the link.
func (t *Trainer) Measured() (Measured, error) {
	c, r := &t.timing, t.ranks
	m := Measured{Steps: c.steps, Seconds: c.took.Seconds(), Sent: float64(c.sent)}
	if r == nil {
		return m, nil
	}
	m.Waited = make([]float64, r.all.Size())
	m.Waited[r.all.Member()] = c.waited.Seconds()
	if err := r.all.Sum64([][]float64{m.Waited}); err != nil {
		return m, fmt.Errorf("trainer: %w", r.fail(err))
	}
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
