package kernel

import (
	"strings"
	"testing"
)

// everyLevel runs a test with each instruction set that this processor has.
func everyLevel(t *testing.T, f func(*testing.T)) {
	best := use
	defer func() { use = best }()
	for l := generic; l <= detect(); l++ {
		use = l
		t.Run(l.String(), f)
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		wanted string
		best   level
		want   level
		err    string
	}{
		{"", avx512, avx512, ""},
		{"generic", avx512, generic, ""},
		{"avx2", avx512, avx2, ""},
		{"avx512", avx512, avx512, ""},
		{"avx512", avx2, avx2, "only avx2"},
		{"sse", avx2, avx2, "none of"},
	} {
		got, err := choose(c.wanted, c.best)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q on %v: %v, %v", c.wanted, c.best, got, err)
		}
	}
	if name, err := CPU(); name != use.String() || err != errCPU {
		t.Errorf("CPU: %s, %v", name, err)
	}
}
