package energy

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
)

// fakeRAPL writes a powercap tree as a server with two packages has it.
func fakeRAPL(t *testing.T) (root string, set func(zone string, microjoules uint64)) {
	t.Helper()
	root = t.TempDir()
	put := func(path, content string) {
		path = filepath.Join(root, "class/powercap", path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("intel-rapl/enabled", "1")
	for zone, name := range map[string]string{
		"intel-rapl:0": "package-0", "intel-rapl:0:0": "core", "intel-rapl:0:1": "dram",
		"intel-rapl:1": "package-1", "intel-rapl:2": "psys", "intel-rapl-mmio:0": "package-0",
	} {
		put(zone+"/name", name)
		put(zone+"/max_energy_range_uj", "262143328850")
		put(zone+"/energy_uj", "1000000")
	}
	return root, func(zone string, microjoules uint64) {
		put(zone+"/energy_uj", strconv.FormatUint(microjoules, 10))
	}
}

func TestRAPL(t *testing.T) {
	root, set := fakeRAPL(t)
	c := openRAPL(root)
	if c == nil {
		t.Fatal("no counters found")
	}
	if want := "RAPL package-0, dram-0, package-1"; c.String() != want {
		t.Errorf("counts %s, want %s", c, want)
	}
	step := func(what string, want float64) {
		t.Helper()
		got, err := c.advance()
		if err != nil {
			t.Fatal(err)
		}
		near(t, what, got, want)
	}
	step("nothing", 0)
	set("intel-rapl:0", 6_000_000)
	set("intel-rapl:0:0", 5_000_000) // a part of the package
	set("intel-rapl:0:1", 3_000_000)
	set("intel-rapl:1", 2_000_000)
	set("intel-rapl:2", 99_000_000)
	set("intel-rapl-mmio:0", 6_000_000)
	step("packages and memory", 5+2+1)
	set("intel-rapl:0", 262_143_328_850-3_000_000)
	step("near the end", 262143.32885-3-6)
	set("intel-rapl:0", 4_000_000)
	step("started over", 7)
	if err := os.Remove(filepath.Join(root, "class/powercap/intel-rapl:1/energy_uj")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.advance(); err == nil {
		t.Error("a counter that is gone gives no error")
	}
}

func TestNoRAPL(t *testing.T) {
	if c := openRAPL(t.TempDir()); c != nil {
		t.Error("counters in an empty tree")
	}
	root, _ := fakeRAPL(t)
	for _, zone := range []string{"intel-rapl:0", "intel-rapl:0:1", "intel-rapl:1"} {
		path := filepath.Join(root, "class/powercap", zone, "energy_uj")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(path, 0o755); err != nil { // exists, but cannot be read
			t.Fatal(err)
		}
	}
	if c := openRAPL(root); c != nil {
		t.Error("counters that cannot be read")
	}
}
