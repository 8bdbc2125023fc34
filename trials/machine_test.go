package trials

import (
	"testing"
	"testing/fstest"
)

// What a process may use is the least of the machine's memory and of the limits of
// every group around it, of either version.
func TestMachineMemory(t *testing.T) {
	const (
		v2     = "31 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n"
		v1     = "33 32 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n36 32 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		within = "36 32 0:33 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n"
	)
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
		of    string
	}{
		"nothing is known": {nil, 0, ""},
		"no groups":        {map[string]string{"proc/meminfo": "MemTotal:       16 kB\nMemFree: 1 kB\n"}, 16 << 10, "this machine"},
		"version 2, unlimited": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/b/memory.max": "max\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 16 << 10, "this machine"},
		"version 2, the group around it": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "0::/a/b\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/b/memory.max": "9000\n", "sys/fs/cgroup/a/memory.max": "8000\n", "sys/fs/cgroup/a/b/memory.high": "max\n"}, 8000, "the control group /sys/fs/cgroup/a"},
		"version 2, slowed down above": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "0::/a\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/a/memory.max": "9000\n", "sys/fs/cgroup/a/memory.high": "7000\n"}, 7000, "the control group /sys/fs/cgroup/a"},
		"version 2 in a namespace": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/memory.max": "5000\n"}, 5000, "the control group /sys/fs/cgroup"},
		"version 1": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "5:cpu:/\n4:memory:/a/b\n0::/\n", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "6000\n",
			"sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "9223372036854771712\n"}, 6000, "the control group /sys/fs/cgroup/memory/a"},
		"version 1 in a container": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "4:memory:/docker/abc/in\n", "proc/self/mountinfo": within,
			"sys/fs/cgroup/memory/in/memory.limit_in_bytes": "4000\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "4500\n"}, 4000, "the control group /sys/fs/cgroup/memory/in"},
		"version 1, a group that cannot be seen": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "4:memory:/../other\n", "proc/self/mountinfo": v1,
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "3000\n"}, 3000, "the control group /sys/fs/cgroup/memory"},
		"both versions": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "4:memory:/a\n0::/\n", "proc/self/mountinfo": v1 + "37 32 0:34 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
			"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "2000\n"}, 2000, "the control group /sys/fs/cgroup/memory/a"},
		"a limit above what there is": {map[string]string{"proc/meminfo": "MemTotal: 16 kB\n", "proc/self/cgroup": "0::/\n", "proc/self/mountinfo": v2,
			"sys/fs/cgroup/memory.max": "99999999\n"}, 16 << 10, "this machine"},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got, of := machineMemory(root); got != c.want || of != c.of {
			t.Errorf("%s: %d of %q, want %d of %q", name, got, of, c.want, c.of)
		}
	}
	for all, want := range map[int64]int64{16 << 30: 12 << 30, 1 << 30: 512 << 20, 1536 << 20: 1 << 30, 256 << 20: 128 << 20} {
		if got := trialMemory(all); got != want {
			t.Errorf("of %d bytes %d are for trials, want %d", all, got, want)
		}
	}
}
