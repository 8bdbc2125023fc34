package data

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// style is how a column writes its numbers.
type style struct {
	decimal byte   // '.' or ','
	unit    string // a currency, % or unit of measure that stands at each number; "" for none
	group   string // what separates thousands, as it was seen; "" if nothing does
}

// plain is a number as programs write it.
func (s style) plain() bool { return s.decimal == '.' && s.unit == "" && s.group == "" }

// currencies are words that stand for money before or behind a number.
var currencies = map[string]bool{
	"USD": true, "EUR": true, "GBP": true, "CHF": true, "JPY": true, "CNY": true, "INR": true, "AUD": true, "CAD": true, "NZD": true,
	"SEK": true, "NOK": true, "DKK": true, "PLN": true, "CZK": true, "HUF": true, "BRL": true, "ZAR": true, "MXN": true, "SGD": true,
	"HKD": true, "KRW": true, "TRY": true, "RUB": true, "Fr.": true, "Rs.": true, "Rs": true, "kr": true, "kr.": true, "zł": true, "Kč": true,
	"R$": true, "US$": true, "A$": true, "C$": true, "HK$": true,
}

// amount is a number as people write it, in parts: its digits with their separators,
// and what stands around them.
type amount struct {
	negative bool
	digits   string // of digits, separators and perhaps an exponent
	unit     string
}

// amountOf takes the parts of a cell without spaces around it; ok is false if it is no number.
func amountOf(cell string) (a amount, ok bool) {
	if n := len(cell); n > 2 && cell[0] == '(' && cell[n-1] == ')' { // as accountants write what is owed
		a.negative, cell = true, cell[1:n-1]
	}
	cell = a.sign(cell)
	before := strings.IndexFunc(cell, unicode.IsDigit)
	if before < 0 {
		return a, false
	}
	if before > 0 && (cell[before-1] == '.' || cell[before-1] == ',') {
		before-- // .5
	}
	if word := strings.TrimSpace(cell[:before]); word != "" {
		minus := strings.TrimRight(word, "-− ")
		if minus != word {
			a.negative, word = !a.negative, minus
		}
		if word != "" && !isCurrency(word) {
			return a, false
		}
		a.unit, cell = word, cell[before:]
	}
	end := strings.LastIndexFunc(cell, func(r rune) bool { return '0' <= r && r <= '9' }) + 1
	if end < len(cell) && (cell[end] == '.' || cell[end] == ',') && end+1 == len(cell) {
		end++ // 5.
	}
	if word := strings.TrimSpace(cell[end:]); word != "" {
		if a.unit != "" || !isUnit(word) {
			return a, false
		}
		a.unit, cell = word, cell[:end]
	}
	a.digits = cell
	return a, end > 0
}

// sign takes a leading sign off.
func (a *amount) sign(cell string) string {
	for _, minus := range []string{"-", "−"} {
		if rest, ok := strings.CutPrefix(cell, minus); ok {
			a.negative = !a.negative
			return strings.TrimSpace(rest)
		}
	}
	return strings.TrimPrefix(cell, "+")
}

func isCurrency(word string) bool {
	if r, n := utf8.DecodeRuneInString(word); n == len(word) && unicode.Is(unicode.Sc, r) {
		return true
	}
	return currencies[word] || currencies[strings.ToUpper(word)] && len(word) == 3
}

// isUnit reports whether a word behind a number may be its unit: a currency, a percent sign, or at most
// eight letters that are no exponent, such as kg, °C, m², km/h.
func isUnit(word string) bool {
	if word == "%" || word == "‰" || isCurrency(word) {
		return true
	}
	n := 0
	for _, r := range word {
		if n++; n > 8 || !unicode.IsLetter(r) && !strings.ContainsRune("°/²³µ%\"'", r) {
			return false
		}
	}
	return true
}

// marks is what the separators of a number tell of its decimal sign.
type marks int

const (
	noMarks    marks = iota // 12
	badMarks                // no number
	point                   // 1.5, 1,234.5, 1.2e3: the point is the decimal sign
	comma                   // 1,5, 1.234,5
	pointMaybe              // 1.234
	commaMaybe              // 1,234
	grouped                 // 1 234, 1'234, 1.234.567: no decimal sign, but groups
)

// marksOf reads the separators of a number's digits. group is what separates thousands.
func marksOf(digits string) (m marks, group string) {
	mantissa := digits
	if e := strings.IndexAny(digits, "eE"); e >= 0 {
		if _, err := strconv.ParseFloat(digits, 64); err != nil && !strings.Contains(digits[:e], ",") {
			return badMarks, ""
		}
		mantissa = digits[:e]
		if strings.Contains(mantissa, ".") {
			return point, ""
		}
	}
	var points, commas, others int
	last := rune(0)
	at := 0
	for i, r := range mantissa {
		switch {
		case '0' <= r && r <= '9':
			continue
		case r == '.':
			points++
		case r == ',':
			commas++
		case isGroup(r):
			others++
			group = string(r)
			continue
		default:
			return badMarks, ""
		}
		last, at = r, i
	}
	whole, rest := mantissa, ""
	if last != 0 {
		whole, rest = mantissa[:at], mantissa[at+1:]
	}
	switch {
	case points+commas == 0:
		if others == 0 {
			return noMarks, ""
		}
		if !groups(mantissa, group) {
			return badMarks, ""
		}
		return grouped, group
	case points > 0 && commas > 0: // the last is the decimal sign
		other := "."
		if last == '.' {
			other = ","
		}
		if strings.ContainsRune(whole, last) || others > 0 || !groups(whole, other) || strings.ContainsAny(rest, " '’\u00a0\u202f") {
			return badMarks, ""
		}
		return exact(last), other
	case points+commas > 1: // all are of one kind: groups
		if others > 0 || !groups(mantissa, string(last)) {
			return badMarks, ""
		}
		return grouped, string(last)
	case others > 0:
		if !groups(whole, group) || !allDigits(rest) {
			return badMarks, ""
		}
		return exact(last), group
	}
	if len(rest) == 3 && len(whole) >= 1 && len(whole) <= 3 && whole[0] != '0' {
		if last == '.' {
			return pointMaybe, "."
		}
		return commaMaybe, ","
	}
	return exact(last), ""
}

func exact(decimal rune) marks {
	if decimal == '.' {
		return point
	}
	return comma
}

func isGroup(r rune) bool { return strings.ContainsRune(" '’\u00a0\u202f\u2009_", r) }

// groups reports whether digits stand in groups of three, as 1,234,567, or as in India, 12,34,567.
func groups(digits, sep string) bool {
	parts := strings.Split(digits, sep)
	for i, p := range parts {
		if !allDigits(p) {
			return false
		}
		n := len(p)
		switch {
		case i == 0 && (n < 1 || n > 3),
			i == len(parts)-1 && i > 0 && n != 3,
			i > 0 && i < len(parts)-1 && n != 3 && n != 2:
			return false
		}
	}
	return true
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// number reads a cell in the style of its column; the range is that of float32.
func (s style) number(cell string) (float64, bool) {
	if x, ok := number(cell); ok && (s.decimal == '.' || strings.IndexByte(cell, '.') < 0) {
		return x, true
	}
	a, ok := amountOf(cell)
	if !ok || a.unit != "" && a.unit != s.unit {
		return 0, false
	}
	m, group := marksOf(a.digits)
	switch m {
	case badMarks:
		return 0, false
	case point, comma:
		if (m == point) != (s.decimal == '.') {
			return 0, false
		}
	case pointMaybe, commaMaybe:
		if (m == pointMaybe) == (s.decimal == '.') {
			group = ""
		}
	case grouped:
		if group[0] == s.decimal {
			return 0, false
		}
	}
	digits := a.digits
	if group != "" {
		digits = strings.ReplaceAll(digits, group, "")
	}
	if s.decimal == ',' {
		digits = strings.Replace(digits, ",", ".", 1)
	}
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.Abs(x) > math.MaxFloat32 {
		return 0, false
	}
	if a.negative {
		x = -x
	}
	return x, true
}

// votes count what the cells of a column say of its style.
type votes struct {
	point, comma, pointMaybe, commaMaybe, grouped int
	group                                         map[string]int
	units                                         map[string]int
	plain                                         int // numbers without a unit
}

// add counts a text that occurs n times.
func (v *votes) add(cell string, n int) {
	if cell == "" || absent(cell) {
		return
	}
	a, ok := amountOf(cell)
	if !ok {
		return
	}
	m, group := marksOf(a.digits)
	if m == badMarks {
		return
	}
	if v.group == nil {
		v.group, v.units = map[string]int{}, map[string]int{}
	}
	if a.unit != "" {
		v.units[a.unit] += n
	} else {
		v.plain += n
	}
	switch m {
	case point:
		v.point += n
	case comma:
		v.comma += n
	case pointMaybe:
		v.pointMaybe += n
	case commaMaybe:
		v.commaMaybe += n
	case grouped:
		v.grouped += n
		switch group {
		case ".":
			v.comma += n
		case ",":
			v.point += n
		}
	}
	if group != "" {
		v.group[group] += n
	}
}

// style decides a column's style. decimal is the file's decimal sign, 0 if that is not known.
func (v *votes) style(decimal byte) style {
	s := style{decimal: '.'}
	switch {
	case decimal != 0 && v.comma+v.point == 0:
		s.decimal = decimal
	case v.comma > v.point:
		s.decimal = ','
	}
	best := 0
	for g, n := range v.group {
		if g[0] != s.decimal && (n > best || n == best && g < s.group) {
			s.group, best = g, n
		}
	}
	best = 0
	for u, n := range v.units {
		if n > best || n == best && u < s.unit {
			s.unit, best = u, n
		}
	}
	return s
}
