//go:build !unix

package main

import "time"

var began = time.Now()

// cpuSeconds is the time on the wall, where that of the process is not known.
func cpuSeconds() float64 { return time.Since(began).Seconds() }
