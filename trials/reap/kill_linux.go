package reap

import (
	"bytes"
	"os"
)

// kill kills the processes in whose environment a variable begins so, and tells
// whether there were any.
func kill(variable string) (found bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	text := append([]byte{0}, variable...)
	for _, name := range names {
		pid := parse([]byte(name)).group
		if pid == 0 || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile("/proc/" + name + "/environ") // of a zombie it is empty
		if err != nil || !bytes.Contains(append([]byte{0}, env...), text) {
			continue
		}
		if p, err := os.FindProcess(pid); err == nil {
			found = p.Kill() == nil || found
			_ = p.Release()
		}
	}
	return found
}
