// Package bench holds what the benchmarks share: the folder of the data that is
// too large for the repository, and the tables of docs/benchmarks.
package bench

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// DataVariable is the environment variable that names the folder with the data;
// docs/benchmarks/data.md says what belongs into it.
const DataVariable = "BUDWOOD_DATA"

// ErrNoData says that a measurement needs the folder and does not know it.
var ErrNoData = errors.New(DataVariable + " is not set; docs/benchmarks/data.md says which data it names and where they come from")

// Data is a path within the folder, empty if the variable is not set.
func Data(path ...string) string {
	root := os.Getenv(DataVariable)
	if root == "" {
		return ""
	}
	return filepath.Join(append([]string{root}, path...)...)
}

// Need is Data for a test, which is skipped if the file or folder is not there.
func Need(t testing.TB, path ...string) string {
	t.Helper()
	name := Data(path...)
	if name == "" {
		t.Skip(ErrNoData)
	}
	if _, err := os.Stat(name); err != nil {
		t.Skipf("%s: %v; see docs/benchmarks/data.md", DataVariable, err)
	}
	return name
}
