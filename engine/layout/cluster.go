package layout

import (
	"fmt"
	"math"
)

// Cluster is what a plan is made for: equal machines with equal devices. A device
// is a processor that computes one lane, such as a GPU or a core.
type Cluster struct {
	Nodes   int `json:"nodes"`    // machines
	PerNode int `json:"per_node"` // devices of a machine

	FLOPS     float64 `json:"flops"`            // peak of a device in the model's precision (fp8: in bf16, which is half), operations a second; a multiply-add is two
	Memory    float64 `json:"memory"`           // bytes of a device
	Bandwidth float64 `json:"memory_bandwidth"` // bytes a second between a device and its memory
	Inside    float64 `json:"inside"`           // bytes a second that a device sends to the others of its machine; +Inf: nothing is waited for
	Between   float64 `json:"between"`          // bytes a second that a device sends to other machines while all of its machine do

	Threads int `json:"threads,omitempty"` // most lanes that one process computes; they share weights and optimizer state. 0 means 1

	Meet  float64 `json:"meet,omitempty"`  // seconds of a step in which the lanes of a process wait for each other, if there are several
	Crowd float64 `json:"crowd,omitempty"` // share by which many lanes of a process are slower than one; two by half of that
}

// Devices is the number of devices of all machines.
func (c Cluster) Devices() int { return c.Nodes * c.PerNode }

func (c Cluster) threads() int { return max(c.Threads, 1) }

// Validate returns an error that names the first field, by its JSON name, that is
// no amount of anything.
func (c Cluster) Validate() error {
	for _, f := range []struct {
		name  string
		value float64
		unit  string
	}{
		{"nodes", float64(c.Nodes), "machines"}, {"per_node", float64(c.PerNode), "devices of a machine"},
		{"flops", c.FLOPS, "operations a second of a device, like 312e12"}, {"memory", c.Memory, "bytes of a device, like 80GB"},
		{"memory_bandwidth", c.Bandwidth, "bytes a second, like 2.0e12"}, {"inside", c.Inside, "bytes a second between devices of a machine, like 300e9"},
		{"between", c.Between, "bytes a second of a device between machines, like 25e9"},
	} {
		if f.name == "inside" && c.PerNode == 1 || f.name == "between" && c.Nodes == 1 {
			if f.value >= 0 {
				continue // nothing is sent there
			}
		}
		if !(f.value > 0) {
			return &FieldError{f.name, fmt.Errorf("it must be more than 0: %s", f.unit)}
		}
		if f.value < 1 || f.value > mostAmount && !math.IsInf(f.value, 1) {
			return &FieldError{f.name, fmt.Errorf("%g: use 1 to %g: %s", f.value, mostAmount, f.unit)}
		}
	}
	if c.Nodes > mostDevices || c.PerNode > mostDevices || c.Devices() > mostDevices {
		return &FieldError{"nodes", fmt.Errorf("%d × %d devices: at most %d can be planned for", c.Nodes, c.PerNode, mostDevices)}
	}
	if c.Threads < 0 || c.Threads > c.PerNode {
		return &FieldError{"threads", fmt.Errorf("%d: use 1 to the %d devices of a machine", c.Threads, c.PerNode)}
	}
	return nil
}

// mostDevices bounds what is searched.
const mostDevices = 1 << 17

// mostAmount bounds bytes, and bytes and operations a second, so that the seconds
// of a step are a number. Infinity is as good: it takes no time.
const mostAmount = 1e30

// FieldError is a mistake in a field of a [Cluster], [GPT], [Model] or [Plan], by
// its JSON name.
type FieldError struct {
	Field string
	Err   error
}

// Error is the message, in one line.
func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }

// Unwrap is what went wrong there.
func (e *FieldError) Unwrap() error { return e.Err }
