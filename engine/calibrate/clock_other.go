//go:build !unix

package calibrate

import "time"

var began = time.Now()

// Clock is the time on the wall, where that of the process is not known.
func Clock() float64 { return time.Since(began).Seconds() }
