package energy

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/prometheus/procfs/sysfs"
)

// rapl reads the energy counters of the processor packages and the memory
// (https://docs.kernel.org/power/powercap/powercap.html).
type rapl struct {
	zones []sysfs.RaplZone
	last  []uint64 // microjoules
}

// openRAPL returns the counters below a sysfs, nil if there are none or if they
// cannot be read.
func openRAPL(root string) counters {
	fs, err := sysfs.NewFS(root)
	if err != nil {
		return nil
	}
	zones, err := sysfs.GetRaplZones(fs)
	if err != nil {
		return nil
	}
	r := &rapl{}
	for _, z := range zones {
		// core and uncore are parts of a package, psys contains it, and the mmio
		// zones show a package a second time.
		counted := strings.HasPrefix(z.Name, "package") || z.Name == "dram"
		if !counted || strings.HasPrefix(filepath.Base(z.Path), "intel-rapl-mmio") {
			continue
		}
		r.zones = append(r.zones, z)
	}
	r.last = make([]uint64, len(r.zones))
	if _, err := r.advance(); err != nil || len(r.zones) == 0 {
		return nil
	}
	return r
}

// advance adds up what each counter has moved. A counter that is smaller than
// before has started over at its maximum.
func (r *rapl) advance() (joules float64, err error) {
	for i, z := range r.zones {
		now, err := z.GetEnergyMicrojoules()
		if err != nil {
			return 0, fmt.Errorf("energy counter %s: %w", z.Path, err)
		}
		moved := now - r.last[i]
		if now < r.last[i] {
			moved = now + z.MaxMicrojoules - r.last[i]
		}
		r.last[i] = now
		joules += float64(moved) / 1e6
	}
	return joules, nil
}

func (r *rapl) String() string {
	var names []string
	for _, z := range r.zones {
		names = append(names, fmt.Sprintf("%s-%d", z.Name, z.Index))
	}
	return "RAPL " + strings.Join(names, ", ")
}
