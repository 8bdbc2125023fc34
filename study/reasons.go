package study

import (
	"cmp"

	"budwood/search"
)

// ending is why a study ends or will soon; "" if it does not.
func Ending(l *search.Loop) string { return cmp.Or(l.Closing, l.Settling) }

func JoinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
