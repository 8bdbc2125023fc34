package study

import (
	"fmt"
	"strings"

	"budwood/search"
)

// oneOf is an error at path unless v is one of the names; it suggests the
// nearest one.
func oneOf(path, v string, names []string) error {
	for _, n := range names {
		if n == v {
			return nil
		}
	}
	return wrong(path, "there is no %s%s; there are %s", search.Quoted(v), didYouMean(v, names), strings.Join(names, ", "))
}

// didYouMean is ` (did you mean "trials"?)`, or nothing if no name is near.
func didYouMean(v string, names []string) string {
	near := search.Nearest(v, names, 1)
	if len(near) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", near[0])
}
