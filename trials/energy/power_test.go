package energy

import (
	"math"
	"strings"
	"testing"
)

func TestCorePower(t *testing.T) {
	for _, c := range []struct {
		cpu  cpu
		want float64
	}{
		{cpu{"AMD EPYC 7452 32-Core Processor", 0}, 155. / 32},
		{cpu{"Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", 20}, 150. / 20},
		{cpu{"Intel(R) Xeon(R) Gold 6148 CPU @ 2.40GHz", 0}, serverCore}, // a virtual machine
		{cpu{"AMD Ryzen 9 5950X 16-Core Processor", 16}, 105. / 16},
		{cpu{"Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", 6}, 95. / 6},
		{cpu{"12th Gen Intel(R) Core(TM) i7-12700K", 12}, 190. / 12},
		{cpu{"AMD Ryzen 7 4800U with Radeon Graphics", 8}, 15. / 8},
		{cpu{"AMD EPYC", 0}, serverCore},
		{cpu{"Some Chip 5000", 4}, anyCore},
		{cpu{"", 0}, anyCore},
	} {
		got := corePower(c.cpu)
		if math.Abs(got.PerCore-c.want) > 1e-9 || got.Source == "" {
			t.Errorf("%q with %d cores: %v W (%s), want %v W", c.cpu.model, c.cpu.cores, got.PerCore, got.Source, c.want)
		}
	}
}

func TestCorePowerFromEnvironment(t *testing.T) {
	env := func(value string) func(string) string {
		return func(name string) string {
			if name != "BUDWOOD_WATTS_PER_CORE" {
				t.Errorf("asked for %s", name)
			}
			return value
		}
	}
	p, err := CorePower(env("4.5"))
	if err != nil || p.PerCore != 4.5 || p.Source != "BUDWOOD_WATTS_PER_CORE" {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"many", "0", "-3", "NaN", "Inf", "1e9", "4.5 W"} {
		if _, err := CorePower(env(bad)); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if p, err := CorePower(env("")); err != nil || p.PerCore <= 0 {
		t.Errorf("this machine: %+v, %v", p, err)
	}
}

func TestEstimateBounds(t *testing.T) {
	e := Power{PerCore: 8}.estimate(10)
	want := Energy{Joules: 80, Method: "estimated", Low: 40, High: 120}
	if e != want {
		t.Errorf("%+v, want %+v", e, want)
	}
	if p := (Power{}).orDefault(); p.PerCore != 12 {
		t.Errorf("the zero value is %v W", p.PerCore)
	}
}
