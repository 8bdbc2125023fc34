//go:build !linux

package reap

func slim() {}
