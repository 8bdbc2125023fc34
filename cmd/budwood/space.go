package main

import (
	"fmt"
	"path/filepath"
	"syscall"
)

// A study begins only where there is room for it, and says so when there is not
// much left: on a full disk it waits until there is.
const (
	spaceToBegin = 64 << 20
	spaceToWarn  = 16 << 20
)

// freeSpace is what is left for the file system of a directory, or of the nearest
// one above it that exists, in bytes; ok is false if that cannot be told.
func freeSpace(dir string) (bytes int64, ok bool) {
	var st syscall.Statfs_t
	err := syscall.Statfs(dir, &st)
	if err == syscall.ENOENT && filepath.Dir(dir) != dir {
		return freeSpace(filepath.Dir(dir))
	}
	return int64(st.Bavail) * int64(st.Bsize), err == nil
}

// room is an error if a study could not begin in the state directory.
func (a *app) room() error {
	if free, ok := freeSpace(a.home); ok && free < spaceToBegin {
		return fmt.Errorf("state directory %s has %d MiB left: make room, or set BUDWOOD_HOME to another one", a.home, free>>20)
	}
	return nil
}

// tight says that there is not much left, or nothing.
func tight(home string) string {
	if free, ok := freeSpace(home); ok && free < spaceToWarn {
		return fmt.Sprintf("%s has %d MiB left: on a full disk the study waits until you make room", home, free>>20)
	}
	return ""
}
