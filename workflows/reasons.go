package workflows

import (
	"cmp"

	"budwood/search"
)

// ending is why a study ends or will soon; "" if it does not.
func ending(l *search.Loop) string { return cmp.Or(l.Closing, l.Settling) }

func joinReasons(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
