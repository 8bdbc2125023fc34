package data

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Unfinished begins the names of files that are being written.
const Unfinished = ".tmp-"

// KeepNewest removes files of a directory that is a cache: those used longest ago, until
// the rest has at most max bytes (0: any number), and those not used for the time idle
// (0: none). The newest one stays, and for an hour what somebody still writes.
func KeepNewest(dir string, max int64, idle time.Duration, newest string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	var sum int64
	for _, e := range entries {
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() {
			files, sum = append(files, st), sum+st.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, st := range files {
		path, age := filepath.Join(dir, st.Name()), time.Since(st.ModTime())
		over := max > 0 && sum > max || idle > 0 && age > idle
		writing := strings.HasPrefix(st.Name(), Unfinished) && age < time.Hour
		if over && path != newest && !writing && os.Remove(path) == nil {
			sum -= st.Size()
		}
	}
}
