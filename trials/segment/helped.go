package segment

import (
	"fmt"
	"strings"
	"time"
)

// helpedWord begins the note of a segment that idle cores computed for.
const helpedWord = "idle cores: they computed for "

// HelpedNote tells that idle cores have computed for a segment that took so long.
func HelpedNote(helped, took time.Duration) string {
	return fmt.Sprintf(helpedWord+"%.3g s of the %.3g s beside the trial's own core; its numbers are the same without", helped.Seconds(), took.Seconds())
}

// Helped is the seconds that idle cores have computed for a record with these notes.
func Helped(notes []string) (seconds float64) {
	for _, n := range notes {
		if rest, ok := strings.CutPrefix(n, helpedWord); ok {
			var s float64
			fmt.Sscanf(rest, "%g", &s)
			seconds += s
		}
	}
	return seconds
}
