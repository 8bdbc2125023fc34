package study

import (
	"testing"
)

// A trial may take what its study asks for, or its share of the worker's memory; a
// data set is held once, beside the shares.
func TestRoom(t *testing.T) {
	const gib = 1 << 30
	for name, c := range map[string]struct {
		offer Offer
		needs Resources
		data  int64
		want  int64
	}{
		"a share":                      {Offer{CPU: 4, Mem: 8 * gib}, Resources{}, 0, 2 * gib},
		"a share of two processors":    {Offer{CPU: 4, Mem: 8 * gib}, Resources{CPU: 2}, 0, 4 * gib},
		"with its data":                {Offer{CPU: 4, Mem: 8 * gib}, Resources{}, 4 * gib, 5 * gib},
		"what the study asks for":      {Offer{CPU: 4, Mem: 8 * gib}, Resources{Mem: 6 * gib}, gib, 6 * gib},
		"data that leaves no room":     {Offer{CPU: 4, Mem: 8 * gib}, Resources{}, 9 * gib, 9*gib + 1},
		"more than the default":        {Offer{CPU: 4, Mem: 8 * gib, of: "of this machine"}, Resources{Mem: 16 * gib}, 0, 16 * gib},
		"a machine that tells nothing": {Offer{CPU: 4}, Resources{}, gib, 0},
	} {
		if got := c.offer.Room(c.needs, c.data, "worker w").Bytes; got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
	if o := (Offer{}).Complete(); o.CPU < 1 || o.Mem == 0 || o.of == "" {
		t.Errorf("by default a worker has %+v", o)
	}
	for name, c := range map[string]struct {
		offer Offer
		want  int
	}{
		"memory that was given is not exceeded":        {Offer{CPU: 4, Mem: 8 * gib}, 0},
		"the default is all that such a trial can get": {Offer{CPU: 4, Mem: 8 * gib, of: "of this machine"}, 1},
	} {
		if got := c.offer.Fits(Resources{Mem: 16 * gib}); got != c.want {
			t.Errorf("%s: %d at once, want %d", name, got, c.want)
		}
	}
}
