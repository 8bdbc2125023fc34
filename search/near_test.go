package search

import (
	"slices"
	"testing"
)

func TestNearest(t *testing.T) {
	names := []string{"trials", "epochs", "time", "energy_wh", "TPE", "digits-nas", "digits"}
	for written, want := range map[string][]string{
		"trails": {"trials"}, "tmie": {"time"}, "tpe": {"TPE"}, "digit": {"digits", "digits-nas"}, "nonsense": nil, "x": nil, "energy": {"energy_wh"},
	} {
		if got := Nearest(written, names, 2); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", written, got, want)
		}
	}
}
