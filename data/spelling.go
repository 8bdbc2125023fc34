package data

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// Spelling is a text or a number, as a study file writes it, that stands for a missing
// value. A number is the same however it is written: -999 is -999.0.
type Spelling string

// UnmarshalJSON reads a text or a number.
func (s *Spelling) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*s = Spelling(strings.TrimSpace(text))
		return nil
	}
	var x json.Number
	if err := json.Unmarshal(b, &x); err != nil {
		return errors.New("expected a text or a number that stands for a missing value")
	}
	*s = Spelling(x)
	return nil
}

// absent reports whether a cell without spaces around it says that there is no value:
// what spreadsheets, databases, R, Python and their readers write for nothing, for
// what cannot be computed, and for infinity, from which nothing can be learned.
func absent(cell string) bool {
	if len(cell) == 0 {
		return true
	}
	if len(cell) > len("not available") {
		return false
	}
	switch cell[0] { // most cells are none
	case '?', '-', '.', '#', '<', '(', '\\', '+', '1', 'n', 'N', 'i', 'I', 0xe2:
	default:
		return false
	}
	switch strings.ToLower(cell) {
	case "?", "??", "???", "-", "--", "---", "–", "—", ".", "..", "...", "…",
		"na", "n/a", "n.a.", "n.a", "n/a.", "#n/a", "#na", "#n/a n/a", "<na>", "<n/a>", "(na)",
		"nan", "-nan", "+nan", "nan(ind)", "-nan(ind)", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "1.#inf", "-1.#inf", "nat", "<nat>",
		"null", "<null>", "(null)", "#null!", "nil", "<nil>", "none", "<none>", "(none)", `\n`, "not available",
		"#div/0!", "#ref!", "#value!", "#name?", "#num!", "#error!",
		"inf", "-inf", "+inf", "infinity", "-infinity", "+infinity", "∞", "-∞", "+∞":
		return true
	}
	return false
}

// isNone reports whether a spelling of nothing may as well be the name of a class, as
// none, mild and severe are.
func isNone(cell string) bool { return strings.EqualFold(cell, "none") }

// truth reads a boolean.
func truth(cell string) (is, ok bool) {
	switch len(cell) {
	case 4:
		return true, strings.EqualFold(cell, "true")
	case 5:
		return false, strings.EqualFold(cell, "false")
	}
	return false, false
}

// spelt are the spellings of missing values that a source names.
type spelt struct {
	texts   map[string]bool
	numbers map[float64]bool
}

func newSpelt(list []Spelling) spelt {
	s := spelt{map[string]bool{}, map[float64]bool{}}
	for _, w := range list {
		s.texts[string(w)] = true
		if x, err := strconv.ParseFloat(string(w), 64); err == nil {
			s.numbers[x] = true
		}
	}
	return s
}
