package trials

import (
	"os"
	"strings"
	"sync"
)

// Host tells machines apart: processes for which it is the same reach each other at
// 127.0.0.1. It is not the name of the machine, which others may have, too.
var Host = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	parts := []string{name}
	if b, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		parts = append(parts, strings.TrimSpace(string(b)))
	}
	if space, err := os.Readlink("/proc/self/ns/net"); err == nil { // containers of a machine may share the rest
		parts = append(parts, space)
	}
	return strings.Join(parts, " ")
})
