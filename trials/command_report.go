package trials

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"budwood/search"
)

// commandReport is one report of a command.
type commandReport struct {
	epoch      int // 0: the next one
	metrics    search.Metrics
	other      map[string]string // what is no metric, and why not: null, a text, a list
	checkpoint bool              // the checkpoint directory holds the state after this epoch
	infeasible string
	diverged   string
	done       bool

	broken error // it cannot be read
	cut    bool  // by the end of the command
}

// parseReport reads a report: a JSON object whose numbers are metrics, except
// "epoch" and what begins with "st_" (Syne Tune's own). Numbers may be written as
// languages write them (nan, -inf, .5, a text that is a number); those of an
// object within are named by both, like valid/loss.
func parseReport(object []byte) (commandReport, error) {
	var fields map[string]any
	if err := json.Unmarshal(plainNumbers(object), &fields); err != nil {
		return commandReport{}, fmt.Errorf("the report %.200q is not a JSON object: %w", object, err)
	}
	s := commandReport{metrics: search.Metrics{}, other: map[string]string{}}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		if err := s.field(k, fields[k]); err != nil {
			return commandReport{}, fmt.Errorf("the report %.200q: %w", object, err)
		}
	}
	return s, nil
}

// field takes a field of the report itself.
func (s *commandReport) field(name string, v any) error {
	switch name {
	case "epoch":
		x, ok := reportedNumber(v)
		if !ok || x < 1 || x != math.Trunc(x) || x > 1e9 {
			return fmt.Errorf("epoch %s is not a number of epochs done, from 1", valueText(v))
		}
		s.epoch = int(x)
		return nil
	case "checkpoint", "done":
		if v, ok := v.(bool); ok {
			s.checkpoint, s.done = s.checkpoint || name == "checkpoint" && v, s.done || name == "done" && v
			return nil
		}
	case "infeasible", "diverged":
		why, ok := v.(string)
		if v == true {
			why, ok = "the command says no more", true
		}
		if ok {
			if name == "infeasible" {
				s.infeasible = why
			} else {
				s.diverged = why
			}
			return nil
		}
	}
	if strings.HasPrefix(name, "st_") {
		return nil
	}
	return s.metric(name, v)
}

// metric takes a number, or the numbers of an object.
func (s *commandReport) metric(name string, v any) error {
	if in, ok := v.(map[string]any); ok {
		for _, k := range slices.Sorted(maps.Keys(in)) {
			if err := s.metric(name+"/"+k, in[k]); err != nil {
				return err
			}
		}
		return nil
	}
	x, ok := reportedNumber(v)
	if !ok {
		s.other[name] = valueText(v)
		return nil
	}
	if _, twice := s.metrics[name]; twice {
		return fmt.Errorf("%q stands twice", name)
	}
	s.metrics[name] = x
	return nil
}

// valueText is a value as an error shows it.
func valueText(v any) string {
	if v, ok := v.(string); ok {
		return strconv.Quote(clipped(strings.TrimPrefix(v, nonFinite), 100))
	}
	b, _ := json.Marshal(v)
	return clipped(string(b), 100)
}

// reportedNumber is the number that a value is or says.
func reportedNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		return numberIn(strings.TrimSpace(strings.TrimPrefix(v, nonFinite)))
	}
	return 0, false
}

// nonFinite begins the string that stands in JSON for a number that it does not
// know.
const nonFinite = "\x00"

// plainNumbers writes what stands outside of strings as JSON does, where it is a
// number or a truth in another notation: .5, +1, nan, -Infinity, True.
func plainNumbers(b []byte) []byte {
	var out []byte
	for i := 0; i < len(b); {
		n := 1
		switch {
		case b[i] == '"':
			for n < len(b)-i && b[i+n] != '"' {
				if b[i+n] == '\\' {
					n++
				}
				n++
			}
			n = min(n+1, len(b)-i)
			for _, c := range b[i : i+n] {
				if c < ' ' { // JSON wants it in words
					out = fmt.Appendf(out, `\u%04x`, c)
				} else {
					out = append(out, c)
				}
			}
		case strings.IndexByte(" \t{}[],:", b[i]) >= 0:
			out = append(out, b[i])
		default:
			for n < len(b)-i && strings.IndexByte(" \t{}[],:\"", b[i+n]) < 0 {
				n++
			}
			out = append(out, plainWord(b[i:i+n])...)
		}
		i += n
	}
	return out
}

func plainWord(word []byte) []byte {
	if x, ok := numberIn(string(word)); ok {
		switch {
		case math.IsNaN(x) || math.IsInf(x, 0):
			return fmt.Appendf(nil, `"\u0000%v"`, x)
		case !json.Valid(word):
			return strconv.AppendFloat(nil, x, 'g', -1, 64)
		}
		return word
	}
	switch string(word) {
	case "True", "TRUE", "False", "FALSE", "None":
		return []byte(strings.NewReplacer("none", "null").Replace(strings.ToLower(string(word))))
	}
	return word
}

// exponent has the letters for e before an exponent.
var exponent = strings.NewReplacer("d", "e", "D", "e", "f", "e")

// numberIn reads a number as C, Fortran, Go, JavaScript, Julia, Python, R, Rust
// or a shell writes it, in decimals.
func numberIn(word string) (float64, bool) {
	decimal := word
	if strings.Contains(word, ".") { // Fortran writes 1.0D-03, Julia 1.0f-3
		decimal = exponent.Replace(word)
	}
	if strings.Trim(decimal, "0123456789.eE+-") == "" {
		x, err := strconv.ParseFloat(decimal, 64)
		return x, err == nil || math.IsInf(x, 0) // too large is infinite
	}
	sign, bare := 1., strings.ToLower(word)
	if rest, ok := strings.CutPrefix(bare, "-"); ok {
		sign, bare = -1, rest
	} else {
		bare = strings.TrimPrefix(bare, "+")
	}
	switch bare {
	case "inf", "infinity", "inf16", "inf32", "∞", "1.#inf", "1.#inf00":
		return math.Inf(int(sign)), true
	case "nan", "nan16", "nan32", "snan", "qnan", "na", "na_real_", "1.#ind", "1.#ind00", "1.#qnan", "1.#qnan0", "1.#snan":
		return math.NaN(), true
	}
	if strings.HasPrefix(bare, "nan(") && strings.HasSuffix(bare, ")") { // C tells the bits of a NaN
		return math.NaN(), true
	}
	return 0, false
}
