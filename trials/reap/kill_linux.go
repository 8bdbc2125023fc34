package reap

import (
	"bytes"
	"os"
)

// Kill kills the processes in whose environment a variable begins so, and tells
// whether there were any: one may start another meanwhile.
func Kill(variable string) (found bool) {
	dir, err := os.Open("/proc")
	if err != nil {
		return false
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	text := append([]byte{0}, variable...)
	carries := func(pid string) bool {
		env, err := os.ReadFile("/proc/" + pid + "/environ") // of a zombie it is empty
		return err == nil && bytes.Contains(append([]byte{0}, env...), text)
	}
	for _, name := range names {
		pid := parse([]byte(name)).group
		if pid == 0 || pid == os.Getpid() || !carries(name) {
			continue
		}
		p, err := os.FindProcess(pid) // by a descriptor: the process, not its number, is killed
		if err != nil {
			continue
		}
		if carries(name) {
			found = p.Kill() == nil || found
		}
		_ = p.Release()
	}
	return found
}
