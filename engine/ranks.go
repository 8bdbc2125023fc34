package engine

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
)

// maxRanks bounds the processes of a trial.
const maxRanks = 1024

// Ranks is how many processes train one trial: a number, or a range from which the
// largest is taken that there is place for. The zero value means one.
type Ranks struct{ Min, Max int }

// Several reports whether there may be more than one.
func (r Ranks) Several() bool { return r.Max > 1 }

// Here is the largest number of ranks for which there are processors in this process,
// if each takes so many, or the smallest of the range.
func (r Ranks) Here(each int) int {
	return max(min(runtime.GOMAXPROCS(0)/max(each, 1), r.Max), r.Min)
}

// String is 2, or 2..4 for a range, and "" for the zero value.
func (r Ranks) String() string {
	switch {
	case r == Ranks{}:
		return ""
	case r.Min == r.Max:
		return strconv.Itoa(r.Max)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}

// MarshalText writes 2 or 2..4.
func (r Ranks) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads 2 or 2..4.
func (r *Ranks) UnmarshalText(b []byte) error {
	text := string(b)
	if text == "" {
		*r = Ranks{}
		return nil
	}
	first, last, isRange := strings.Cut(text, "..")
	if !isRange {
		last = first
	}
	var out Ranks
	var err error
	if out.Min, err = strconv.Atoi(first); err == nil {
		out.Max, err = strconv.Atoi(last)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%q is not a number of ranks like 2, or a range of them like 2..4", text)
	case out.Min < 1 || out.Max > maxRanks:
		return fmt.Errorf("%s is outside [1, %d]", text, maxRanks)
	case out.Min > out.Max:
		return fmt.Errorf("the range %s is empty: write %d..%d", text, out.Max, out.Min)
	}
	*r = out
	return nil
}
