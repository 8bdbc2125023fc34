package data

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
)

// judge says what numbers are: an id, the number of the row, a constant; and of others
// what may be wrong with them.
func (m *meaning) judge(c *column, values []float64) {
	n := len(values) - c.missing
	f := seriesOf(values)
	why := "numbers"
	if f.whole {
		why = "whole numbers"
	}
	if m.kind == KindDate {
		return
	}
	switch {
	case m.style.unit != "" && m.style.group != "":
		why += fmt.Sprintf(" with %s and %s between thousands", m.style.unit, quote(m.style.group))
	case m.style.unit != "":
		why += " with " + m.style.unit
	case m.style.group != "":
		why += fmt.Sprintf(" with %s between thousands", quote(m.style.group))
	}
	if m.style.decimal == ',' && !f.whole {
		why += ", decimal comma"
	}
	m.why = why
	if m.role != input || m.asked {
		return
	}
	switch {
	case n == 0:
		m.out, m.why = "empty", "no cell has a value"
	case c.distinct() == 1 && c.missing == 0:
		m.why = "one value in all rows: it tells nothing"
		m.warning = "constant"
	case c.missing > 0 || !f.whole || n < 10:
	case f.step == 1 && (f.first == 0 || f.first == 1) && f.steady && (indexName.MatchString(m.name) || n >= 20):
		m.kind, m.out, m.why = KindID, "index", fmt.Sprintf("numbers the rows, from %g", f.first)
	case (f.rising || f.falling) && n >= 20 && !timeName.MatchString(m.name):
		m.kind, m.out, m.why = KindID, "id", "whole numbers that rise with the row"
		if f.falling {
			m.why = "whole numbers that fall with the row"
		}
	case idName.MatchString(m.name) && n >= 20 && f.unique(values):
		m.kind, m.out, m.why = KindID, "id", "a whole number of its own in each row, and its name"
	}
	if m.out == "" && m.warning == "" {
		if e := farEndOf(values, f); e.n > 0 && c.distinct() >= 10 {
			m.warning = fmt.Sprintf("%g occurs %d times, far from the others (%.4g to %.4g); if it means a missing value, write missing: [%g]", e.x, e.n, e.lo, e.hi, e.x)
		}
	}
}

var (
	indexName = regexp.MustCompile(`(?i)^(column \d+|unnamed:? ?\d*|index|idx|row|row[ _-]?(no|nr|num|number|id)?|no|nr|#|x|rownames?|id)$`)
	idName    = regexp.MustCompile(`(?i)(^|[ _.-])(id|ids|uuid|guid|key|idx|index|rownum|nr|no|number)$|[a-z]ID$|[a-z]Id$`)
	timeName  = regexp.MustCompile(`(?i)time|date|year|month|week|day|hour|minute|second|epoch|stamp|^t$|step|age|count|total|cum`)
)

// series is how numbers follow each other.
type series struct {
	first, lo, hi                  float64
	whole, rising, falling, steady bool
	step                           float64
}

func seriesOf(values []float64) series {
	s := series{first: math.NaN(), lo: math.Inf(1), hi: math.Inf(-1), whole: true, rising: true, falling: true, steady: true}
	last := math.NaN()
	for i, x := range values {
		if math.IsNaN(x) {
			continue
		}
		s.lo, s.hi = min(s.lo, x), max(s.hi, x)
		if x != math.Trunc(x) {
			s.whole = false
		}
		if math.IsNaN(s.first) {
			s.first = x
		} else if !math.IsNaN(last) {
			d := x - last
			s.rising, s.falling = s.rising && d > 0, s.falling && d < 0
			if i == 1 {
				s.step = d
			} else if d != s.step {
				s.steady = false
			}
		}
		last = x
	}
	return s
}

// unique reports whether no number occurs twice.
func (s series) unique(values []float64) bool {
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return false
		}
	}
	return true
}

// farEnd is the smallest or the largest number, if it is one that people write where
// nothing was measured, occurs more than once and is far from all others: farther than
// these are from each other.
type farEnd struct {
	x, lo, hi float64 // of the others
	n         int     // how often; 0: there is none
}

// farEndOf looks at both ends.
func farEndOf(values []float64, f series) farEnd {
	for _, end := range []float64{f.lo, f.hi} {
		if !slices.Contains(sentinels, math.Abs(end)) || end > 0 && strings.Trim(exactNumber(end), "9.") != "" {
			continue
		}
		e := farEnd{x: end, lo: math.Inf(1), hi: math.Inf(-1)}
		present := 0
		for _, x := range values {
			switch {
			case math.IsNaN(x):
				continue
			case x == end:
				e.n++
			default:
				e.lo, e.hi = min(e.lo, x), max(e.hi, x)
			}
			present++
		}
		if gap := max(e.lo-end, end-e.hi); e.n >= 2 && gap > e.hi-e.lo && e.hi > e.lo && 4*e.n < 3*present {
			return e
		}
	}
	return farEnd{}
}

var sentinels = []float64{99, 100, 200, 900, 990, 995, 998, 999, 1000, 8888, 9998, 9999, 99999, 999999, 9.99, 99.9, 99.99, 999.9, 999.99}

// withoutSentinel takes a number as missing that is below 0, while all others are not,
// and at least five times as far from them as they are from each other.
func (m *meaning) withoutSentinel(values []float64, p *Profile) []float64 {
	if m.kind != KindNumber || m.truth != nil || m.asked {
		return values
	}
	if !m.settled {
		e := farEndOf(values, seriesOf(values))
		if e.n == 0 || e.x >= 0 || e.lo < 0 || e.lo-e.x < 5*(e.hi-e.lo) || len(newNumbers("", values).numbers) < 10 {
			return values
		}
		m.sentinel = e.x
		p.Notes = append(p.Notes, fmt.Sprintf("column %s: %g taken as missing (%d of %d values): it is far from the others (%.4g to %.4g); if it is a number, write columns: {%s: number}",
			quote(m.name), e.x, e.n, len(values), e.lo, e.hi, key(m.name)))
	}
	if m.sentinel == 0 {
		return values
	}
	out := slices.Clone(values)
	for i, x := range out {
		if x == m.sentinel {
			out[i] = math.NaN()
		}
	}
	return out
}
