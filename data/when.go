package data

import (
	"math"
	"strings"
	"time"
)

// order is the order of the numbers in dates like 03/04/2024.
type order byte

const (
	anyOrder   order = iota
	dayFirst         // 31/12/2024
	monthFirst       // 12/31/2024
)

// dayOne is where dates begin to count, in days.
var dayOne = time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC)

// when is a moment as a table writes it.
type when struct {
	day   float64 // days since 1970-01-01, UTC where a zone is given
	clock bool    // with a time of day
	date  bool    // with a date; else a time of day alone
}

// whenOf reads a date, a time of day or both. o says how 03/04/2024 is meant; with
// anyOrder the day comes first where it can, and which orders are possible is returned.
func whenOf(cell string, o order) (w when, can [3]bool, ok bool) {
	if len(cell) < 4 || len(cell) > 40 {
		return w, can, false
	}
	p := pieces{s: cell}
	year, month, day, found := p.date(o, &can)
	if found && len(p.s) > 0 && (p.s[0] == 'T' || p.s[0] == 't') {
		p.s = p.s[1:]
	} else {
		p.s = strings.TrimLeft(p.s, " ,")
	}
	seconds, clock := 0., false
	if p.s != "" {
		if seconds, clock = p.clock(); !clock || strings.TrimSpace(p.s) != "" {
			return w, can, false
		}
	}
	switch {
	case found:
		t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		if t.Day() != day || int(t.Month()) != month { // 30 February
			return w, can, false
		}
		w.day = math.Round(t.Sub(dayOne).Hours() / 24)
		if year < 1700 || year > 2260 { // beyond what a Duration holds
			w.day = float64(t.Unix() / 86400)
		}
		w.date = true
	case !clock:
		return w, can, false
	}
	w.day += seconds / 86400
	w.clock = clock
	return w, can, true
}

// pieces is what is left of a text that is read from its beginning.
type pieces struct{ s string }

// digits takes a whole number of lo to hi digits.
func (p *pieces) digits(lo, hi int) (x, n int, ok bool) {
	for n < len(p.s) && n < hi && '0' <= p.s[n] && p.s[n] <= '9' {
		x = 10*x + int(p.s[n]-'0')
		n++
	}
	if n < lo || n < len(p.s) && '0' <= p.s[n] && p.s[n] <= '9' {
		return 0, 0, false
	}
	p.s = p.s[n:]
	return x, n, true
}

// one takes one of some characters.
func (p *pieces) one(of string) (byte, bool) {
	if p.s == "" || strings.IndexByte(of, p.s[0]) < 0 {
		return 0, false
	}
	b := p.s[0]
	p.s = p.s[1:]
	return b, true
}

// word takes letters.
func (p *pieces) word() string {
	n := 0
	for n < len(p.s) && (p.s[n]|0x20 >= 'a' && p.s[n]|0x20 <= 'z') {
		n++
	}
	w := p.s[:n]
	p.s = p.s[n:]
	return strings.ToLower(w)
}

var monthNames = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
var dayNames = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// named is the number of a name, from 1, of which at least three letters are written; 0 for none.
func named(word string, names []string) int {
	if word == "sept" {
		word = "sep"
	}
	if len(word) < 3 {
		return 0
	}
	for i, n := range names {
		if strings.HasPrefix(n, word) {
			return i + 1
		}
	}
	return 0
}

// date takes a date. If there is none, nothing is taken.
func (p *pieces) date(o order, can *[3]bool) (year, month, day int, ok bool) {
	was := p.s
	defer func() {
		if !ok || month < 1 || month > 12 || day < 1 || day > 31 || year < 1 {
			p.s, ok = was, false
		}
	}()
	if w := p.word(); w != "" {
		if named(w, dayNames) > 0 { // Mon, 12 Jan 2024
			p.s = strings.TrimLeft(p.s, "., ")
			w = p.word()
		}
		if w != "" { // Jan 12, 2024
			month = named(w, monthNames)
			p.s = strings.TrimLeft(p.s, ". ")
			if day, _, ok = p.digits(1, 2); !ok || month == 0 {
				return 0, 0, 0, false
			}
			p.ordinal()
			p.s = strings.TrimLeft(p.s, ", ")
			year, _, ok = p.digits(4, 4)
			return year, month, day, ok
		}
	}
	a, n, ok := p.digits(1, 4)
	if !ok || n == 3 {
		return 0, 0, 0, false
	}
	if n == 4 { // 2024-01-12, 2024/1/12, 2024.01.12, 2024-01
		sep, found := p.one("-/.")
		if !found {
			return 0, 0, 0, false
		}
		month, n, ok = p.digits(1, 2)
		if !ok {
			return 0, 0, 0, false
		}
		if _, more := p.one(string(sep)); !more {
			return a, month, 1, sep != '.' && n == 2
		}
		day, _, ok = p.digits(1, 2)
		return a, month, day, ok
	}
	ordinal := p.ordinal()
	if rest := strings.TrimLeft(p.s, " -."); ordinal || rest != "" && rest[0]|0x20 >= 'a' && rest[0]|0x20 <= 'z' { // 12 Jan 2024, 12-Jan-24
		p.s = strings.TrimLeft(p.s, " -.")
		if month = named(p.word(), monthNames); month == 0 {
			return 0, 0, 0, false
		}
		p.s = strings.TrimLeft(p.s, " -.,")
		year, n, ok = p.digits(2, 4)
		return century(year, n), month, a, ok && n != 3
	}
	sep, found := p.one("/.-")
	if !found {
		return 0, 0, 0, false
	}
	b, _, ok := p.digits(1, 2)
	if !ok {
		return 0, 0, 0, false
	}
	if _, ok = p.one(string(sep)); !ok {
		return 0, 0, 0, false
	}
	year, n, ok = p.digits(2, 4)
	if !ok || n == 3 {
		return 0, 0, 0, false
	}
	can[dayFirst] = a >= 1 && a <= 31 && b >= 1 && b <= 12
	can[monthFirst] = b >= 1 && b <= 31 && a >= 1 && a <= 12
	month, day = b, a
	if o == monthFirst || o == anyOrder && !can[dayFirst] {
		month, day = a, b
	}
	return century(year, n), month, day, true
}

// ordinal takes the letters of 1st, 2nd, 3rd, 4th.
func (p *pieces) ordinal() bool {
	for _, s := range []string{"st", "nd", "rd", "th"} {
		if rest, ok := strings.CutPrefix(p.s, s); ok {
			p.s = rest
			return true
		}
	}
	return false
}

// century is the year that two digits stand for: 69 and later are of the last century.
func century(year, digits int) int {
	switch {
	case digits > 2:
		return year
	case year < 69:
		return 2000 + year
	}
	return 1900 + year
}

// clock takes a time of day with its zone, in seconds: of UTC where there is a zone.
func (p *pieces) clock() (seconds float64, ok bool) {
	h, _, ok := p.digits(1, 2)
	if !ok {
		return 0, false
	}
	if _, ok = p.one(":"); !ok {
		return 0, false
	}
	m, n, ok := p.digits(2, 2)
	if !ok || n != 2 || h > 24 || m > 59 {
		return 0, false
	}
	s := 0.
	if _, more := p.one(":"); more {
		x, n, ok := p.digits(2, 2)
		if !ok || n != 2 || x > 60 {
			return 0, false
		}
		s = float64(x)
		if _, more := p.one(".,"); more {
			scale, any := .1, false
			for p.s != "" && '0' <= p.s[0] && p.s[0] <= '9' {
				s += scale * float64(p.s[0]-'0')
				scale, p.s, any = scale/10, p.s[1:], true
			}
			if !any {
				return 0, false
			}
		}
	}
	p.s = strings.TrimLeft(p.s, " ")
	rest := strings.ToLower(p.s)
	for _, half := range []string{"am", "pm", "a.m.", "p.m."} {
		if after, found := strings.CutPrefix(rest, half); found {
			if h < 1 || h > 12 {
				return 0, false
			}
			h %= 12
			if half[0] == 'p' {
				h += 12
			}
			p.s = p.s[len(p.s)-len(after):]
			break
		}
	}
	zone, ok := p.zone()
	return float64(3600*h+60*(m-zone)) + s, ok
}

// zone takes a time zone, in minutes; none is UTC.
func (p *pieces) zone() (minutes int, ok bool) {
	p.s = strings.TrimLeft(p.s, " ")
	switch strings.ToUpper(p.s) {
	case "":
		return 0, true
	case "Z", "UTC", "GMT":
		p.s = ""
		return 0, true
	}
	sign, found := p.one("+-")
	if !found {
		return 0, false
	}
	h, n, ok := p.digits(1, 4)
	if !ok {
		return 0, false
	}
	m := 0
	if n > 2 {
		h, m = h/100, h%100
	} else if _, more := p.one(":"); more {
		if m, _, ok = p.digits(2, 2); !ok {
			return 0, false
		}
	}
	p.s = strings.TrimPrefix(strings.TrimLeft(p.s, " "), "UTC")
	minutes = 60*h + m
	if sign == '-' {
		minutes = -minutes
	}
	return minutes, h <= 14 && m < 60
}

// compact reads 20240131.
func compact(x float64) (day float64, ok bool) {
	if x != math.Trunc(x) || x < 19000101 || x > 20991231 {
		return 0, false
	}
	n := int(x)
	t := time.Date(n/10000, time.Month(n/100%100), n%100, 0, 0, 0, 0, time.UTC)
	if t.Day() != n%100 || int(t.Month()) != n/100%100 {
		return 0, false
	}
	return math.Round(t.Sub(dayOne).Hours() / 24), true
}

// part is a number that repeats itself, taken from a moment.
type part string

// The parts of moments that become columns of their own, where they vary.
const (
	weekday part = "weekday" // 0 is Monday
	hour    part = "hour"    // with its fraction
	month   part = "month"   // from 1
)

func (p part) of(day float64) float64 {
	whole := math.Floor(day)
	switch p {
	case weekday:
		return math.Mod(math.Mod(whole+3, 7)+7, 7) // 1970-01-01 was a Thursday
	case hour:
		return (day - whole) * 24
	}
	return float64(dayOne.AddDate(0, 0, int(whole)).Month())
}

// moment writes a day as a date, and a time of day if it has one.
func moment(day float64) string {
	whole := math.Floor(day)
	t := dayOne.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round((day-whole)*86400)) * time.Second)
	if day == whole {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05")
}
