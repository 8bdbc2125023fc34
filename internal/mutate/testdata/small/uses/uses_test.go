package uses

import (
	"testing"

	"budwood/internal/mutate/testdata/small"
)

func TestUntested(t *testing.T) {
	if small.Untested(true) || !small.Untested(false) {
		t.Error("untested")
	}
}
