package trials

import (
	"os"
	"sync"

	"budwood/trials/segment"
)

// Build is the version of the running program: that of its executable file, which
// is the same whenever the same source is compiled, also by go run and go test.
var Build = sync.OnceValue(func() segment.Version {
	path := "/proc/self/exe" // what runs, whatever lies at its place by now
	if _, err := os.Stat(path); err != nil {
		path, _ = os.Executable()
	}
	digest, err := digestFile(path, false)
	if err != nil {
		return nil
	}
	return segment.VersionNamed("build " + digest[:8])
})
