package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"budwood/search"
)

// noStudy is [ErrNoStudy] with the names that may have been meant.
func (s *Store) noStudy(ctx context.Context, name string) error {
	names, err := texts(ctx, s.read, `SELECT name FROM studies ORDER BY created DESC, id DESC`)
	if err != nil {
		return err
	}
	if near := search.Nearest(name, names, 3); len(near) > 0 {
		for i := range near {
			near[i] = strconv.Quote(near[i])
		}
		return fmt.Errorf("%w; did you mean %s?", ErrNoStudy, strings.Join(near, " or "))
	}
	if len(names) == 0 {
		return fmt.Errorf("%w; there are none yet", ErrNoStudy)
	}
	return ErrNoStudy
}
