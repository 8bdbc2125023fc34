package compress

import (
	"path"
	"strings"
)

// Protected reports whether a layer, or one around it, has a path that one of the patterns
// names: see [Groups].
func Protected(at string, patterns []string) bool {
	for part := at; part != ""; part = part[:max(strings.LastIndexByte(part, '.'), 0)] {
		for _, p := range patterns {
			if ok, _ := path.Match(p, part); ok {
				return true
			}
		}
	}
	return false
}
