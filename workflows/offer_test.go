package workflows

import (
	"context"
	"testing"
	"time"

	"budwood/study"
)

// Trials that ask for memory and those that do not have to share it.
func TestCapacityCountsShares(t *testing.T) {
	c := newCapacity(study.Offer{CPU: 4, Mem: 8 << 30})
	big, err := c.acquire(t.Context(), study.Resources{Mem: 7 << 30}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.acquire(ctx, study.Resources{}, nil); err == nil {
		t.Error("a share of 2 GiB was there beside 7 of 8")
	}
	big()
	for range 4 {
		if _, err := c.acquire(t.Context(), study.Resources{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}
