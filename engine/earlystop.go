package engine

import "math"

// EarlyStop finds out when a value has not improved for Patience observations in a
// row. Its exported fields are its whole state and pass through JSON.
type EarlyStop struct {
	Patience int     `json:"patience"`            // 0 means never stop, except at NaN
	MinDelta float64 `json:"min_delta,omitempty"` // a smaller gain is no improvement
	Maximize bool    `json:"maximize,omitempty"`  // larger values are better

	Seen  int     `json:"seen,omitempty"`  // observations
	Best  float64 `json:"best,omitempty"`  // once Seen > 0
	Stale int     `json:"stale,omitempty"` // observations since the best
}

// Observe takes the next value. It reports whether this is the best so far, by
// more than MinDelta, and whether to stop. NaN and infinity stop at once.
func (e *EarlyStop) Observe(value float64) (improved, stop bool) {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return false, true
	}
	gain := e.Best - value
	if e.Maximize {
		gain = -gain
	}
	improved = e.Seen == 0 || gain > e.MinDelta
	e.Seen++
	if improved {
		e.Best, e.Stale = value, 0
		return true, false
	}
	e.Stale++
	return false, e.Patience > 0 && e.Stale >= e.Patience
}
