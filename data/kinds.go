package data

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// meaning is what a column of a file is, and how its cells are read. It is found once,
// and read so in every other file of the study.
type meaning struct {
	name     string
	kind     string // one of ColumnKinds
	asked    bool   // the study file says so
	role     role
	style    style
	order    order    // dates
	packed   bool     // dates: written as 20240131
	truth    []string // booleans: what false and true are written as; nil if it is none
	parts    []part   // dates
	sentinel float64  // numbers: one that stands for a missing value; 0 for none
	none     bool     // the target: "none" is a class
	settled  bool     // all of this is known: a further file is read
	words    int      // text: the width of an encoded text

	out     string // why it is no input; "" if it is one
	why     string
	warning string
}

// role is what a column is for.
type role string

const (
	input    role = "input"
	target   role = "target"
	grouping role = "group"
	timed    role = "time"
)

// few is how many numbers a column needs before its other texts count as missing.
const few = 4

// enough reports whether a column with so many numbers (or dates) is one of numbers
// (or dates), although it has other texts, too: they are rare, or one of them is
// a word for missing that only this table has. different are the different ones of each.
func enough(numbers, odd, different, oddDifferent int) bool {
	share := float64(odd) / float64(max(numbers+odd, 1))
	switch {
	case numbers == 0:
		return false
	case odd == 0:
		return true
	case numbers < few:
		return false
	case odd == 1, share <= .02:
		return true
	case different >= 10 && share <= .1:
		return true
	}
	return oddDifferent <= 3 && share <= .5 && different >= 10 && different >= 5*oddDifferent
}

// missing reports whether a text that is no number stands for a missing value.
func (s *spelt) missing(text string, only bool) bool {
	if s.texts[text] {
		return true
	}
	if len(s.numbers) > 0 {
		if x, ok := number(text); ok && s.numbers[x] {
			return true
		}
	}
	return !only && absent(text)
}

// census is what texts look like.
type census struct {
	n, different           int // not missing
	numbers, numbersDiffer int
	otherUnits             int
	truths                 int
	dates, datesDiffer     int
	dayFirst, monthFirst   int // dates that can only be so
	either                 int // that can be both
	clocks                 int
	codes, width           int // digits with a leading zero; digits of each, -1 if they differ
	words                  int // of all different texts together
	style                  style
}

// census looks at the texts of a column.
func (c *cells) census(decimal byte, also *spelt) census {
	var t census
	var v votes
	for k, text := range c.list {
		v.add(text, c.count[k])
	}
	t.style = v.style(decimal)
	for k, text := range c.list {
		n := c.count[k]
		if also.missing(text, false) {
			continue
		}
		t.n += n
		t.different++
		t.words += len(strings.Fields(text))
		if _, ok := truth(text); ok {
			t.truths += n
		}
		if _, ok := t.style.number(text); ok {
			t.numbers += n
			t.numbersDiffer++
			if len(text) > 1 && text[0] == '0' && allDigits(text) {
				t.codes++
			}
			if !allDigits(text) {
				t.width = -1
			} else if t.width == 0 {
				t.width = len(text)
			} else if t.width != len(text) {
				t.width = -1
			}
			continue
		}
		if a, ok := amountOf(text); ok && a.unit != "" && a.unit != t.style.unit {
			t.otherUnits += n
		}
		w, can, ok := whenOf(text, anyOrder)
		if !ok {
			continue
		}
		t.dates += n
		t.datesDiffer++
		if w.clock {
			t.clocks += n
		}
		switch {
		case can[dayFirst] && can[monthFirst]:
			t.either += n
		case can[dayFirst]:
			t.dayFirst += n
		case can[monthFirst]:
			t.monthFirst += n
		}
	}
	return t
}

// seemsNumber reports whether the texts of a column's beginning are numbers.
func (c *cells) seemsNumber(decimal byte, also *spelt) (style, bool) {
	t := c.census(decimal, also)
	return t.style, t.n == 0 || t.isNumber() && !t.isCode()
}

func (t *census) isNumber() bool {
	return enough(t.numbers, t.n-t.numbers, t.numbersDiffer, t.different-t.numbersDiffer) && t.otherUnits*50 <= t.n
}

// isCode reports whether numbers are codes: all of one length, some with leading zeros, as postal codes are.
func (t *census) isCode() bool { return t.codes > 0 && t.width >= 3 }

// mostlyNumbers reports whether a column that was read as numbers is one.
func (c *cells) mostlyNumbers(also *spelt) bool {
	if c.must || len(c.list) == 0 {
		return true
	}
	odd, oddDiffer, units := 0, 0, 0
	for k, text := range c.list {
		if !also.missing(text, false) {
			odd += c.count[k]
			oddDiffer++
			if a, ok := amountOf(text); ok && a.unit != c.style.unit {
				units += c.count[k]
			}
		}
	}
	if odd == 0 {
		return true
	}
	seen := map[float64]bool{}
	numbers := 0
	for _, x := range c.value {
		if !math.IsNaN(x) {
			numbers++
			if len(seen) < 100 {
				seen[x] = true
			}
		}
	}
	return enough(numbers, odd, len(seen), oddDiffer) && units*50 <= numbers+odd
}

// guess decides what a column of texts is. m has its name, its role and what the study file says.
func (c *cells) guess(m *meaning, decimal byte, sep rune, also *spelt) {
	t := c.census(decimal, also)
	m.style, c.style = t.style, t.style
	forced := m.kind
	is := func(kind string) bool { return forced == "" || forced == kind }
	switch {
	case forced == KindIgnore || forced == KindID:
	case t.n == 0 && forced == "":
		m.kind, m.out, m.why = KindNumber, "empty", "no cell has a value"
	case forced == "" && t.truths == t.n:
		m.kind, m.truth, m.why = KindNumber, c.truths(), "true and false, as 1 and 0"
	case forced == KindNumber, forced == "" && t.isNumber() && !t.isCode():
		m.kind = KindNumber
		if forced == "" && t.n == t.numbers && c.packed() {
			m.kind, m.packed, m.why = KindDate, true, "dates as numbers, year month day"
		}
	case is(KindDate) && (forced == KindDate || enough(t.dates, t.n-t.dates, max(t.datesDiffer, 10*min(t.datesDiffer, 1)), t.different-t.datesDiffer)):
		m.kind = KindDate
		c.dates(m, &t, decimal, sep, also)
	case forced == KindText, forced == "" && m.role == input && t.different > maxLevels && 2*t.different > t.n && t.words >= 4*t.different:
		m.kind = KindText
		m.why = fmt.Sprintf("text of %.0f words on average", float64(t.words)/float64(max(t.different, 1)))
	default:
		m.kind = KindCategory
		m.why = fmt.Sprintf("%d different texts", t.different)
		switch {
		case t.isCode() && t.numbers == t.n:
			m.why = fmt.Sprintf("codes of %d digits, some with leading zeros", t.width)
		case t.different == 1:
			m.why = "one text"
		case t.numbers*5 > t.n:
			m.warning = fmt.Sprintf("mixed: %d cells are numbers and %d are not, as %s; if it is a number, write columns: {%s: number}; ",
				t.numbers, t.n-t.numbers, quote(c.notNumber(t.style, also)), key(m.name))
		}
		if forced != "" || m.role != input {
			break
		}
		switch {
		case t.different == 1 && t.n+c.absent(also) == t.n:
			m.out, m.why = "constant", "one value in all rows"
		case t.n >= 20 && (t.different == t.n || t.n >= 100 && 20*t.different > 19*t.n):
			m.kind, m.out, m.why = KindID, "id", "a text of its own in each row"
			if t.different < t.n {
				m.why = "a text of its own in nearly each row"
			}
		case t.different > maxLevels:
			m.warning += fmt.Sprintf("%d values: the %d most frequent have a column each, the rest share one; target_encode takes all of them", t.different, maxLevels-1)
		}
	}
	m.warning = strings.TrimSuffix(m.warning, "; ")
	if m.out != "" {
		m.warning = ""
	}
	if m.kind == KindText {
		m.words = wordsWidth(c.rows())
	}
}

// dates decides how the dates of a column are read.
func (c *cells) dates(m *meaning, t *census, decimal byte, sep rune, also *spelt) {
	m.why = "dates"
	if t.clocks > 0 {
		m.why = "dates with times"
	}
	says := "the day comes first"
	m.order = dayFirst
	if t.monthFirst > t.dayFirst || t.dayFirst == 0 && t.either > 0 && decimal != ',' && sep != ';' && !c.dotted() {
		m.order, says = monthFirst, "the month comes first"
	}
	if t.dayFirst+t.monthFirst+t.either == 0 {
		return
	}
	m.why += ", " + says
	if t.dayFirst+t.monthFirst == 0 {
		m.warning = fmt.Sprintf("no date tells whether the day or the month comes first, as in %s: it is read as if %s; if that is wrong, write dates as 2024-12-31", quote(c.first(also)), says)
	}
}

// packed reports whether all numbers are dates like 20241231.
func (c *cells) packed() bool {
	n := 0
	for _, x := range c.value {
		if math.IsNaN(x) {
			continue
		}
		if _, ok := compact(x); !ok {
			return false
		}
		n++
	}
	for _, text := range c.list {
		if x, ok := number(text); ok {
			if _, ok := compact(x); !ok {
				return false
			}
			n++
		}
	}
	return n >= 5
}

// dayOf is the day of a number in a column of dates: 20241231, or else the time since 1970 in seconds,
// milliseconds, microseconds or nanoseconds.
func (m *meaning) dayOf(x float64) (float64, bool) {
	if day, ok := compact(x); ok || m.packed {
		return day, ok
	}
	for _, unit := range []float64{1, 1e3, 1e6, 1e9} {
		if day := x / unit / 86400; math.Abs(day) >= 1000 && math.Abs(day) < 1e5 {
			return day, true
		}
	}
	return 0, false
}

// key is a column's name as a key of a study file.
func key(name string) string {
	for _, r := range name {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_') {
			return fmt.Sprintf("%q", name)
		}
	}
	return name
}

// truths are how false and true are written.
func (c *cells) truths() []string {
	out := []string{"False", "True"}
	for _, text := range slices.Backward(c.list) {
		if is, ok := truth(text); ok {
			if is {
				out[1] = text
			} else {
				out[0] = text
			}
			other := 0
			if !is {
				other = 1
			}
			if strings.ToLower(text) == text { // of one spelling, even if only one occurs
				out[other] = strings.ToLower(out[other])
			} else if strings.ToUpper(text) == text {
				out[other] = strings.ToUpper(out[other])
			}
		}
	}
	return out
}

// dotted reports whether dates are written with points, in which the day comes first everywhere.
func (c *cells) dotted() bool {
	return len(c.list) > 0 && strings.Count(c.list[0], ".") == 2
}

// first is the first text that is a value.
func (c *cells) first(also *spelt) string {
	for _, text := range c.list {
		if !also.missing(text, false) {
			return text
		}
	}
	return ""
}

func (c *cells) notNumber(s style, also *spelt) string {
	for _, text := range c.list {
		if _, ok := s.number(text); !ok && !also.missing(text, false) {
			return text
		}
	}
	return ""
}

// absent is how many cells have no value.
func (c *cells) absent(also *spelt) int {
	n := c.empty
	for k, text := range c.list {
		if also.missing(text, false) {
			n += c.count[k]
		}
	}
	return n
}
