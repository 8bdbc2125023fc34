//go:build !cgo

package store

// sqliteCode knows no codes: without cgo the driver only says that it needs it.
func sqliteCode(error) int { return 0 }
