//go:build !linux

package energy

import "time"

// ThreadTime takes the calling thread for one that is busy all the time.
func ThreadTime() time.Duration { return time.Since(started) }

var started = time.Now()

// systemClock takes a running meter for a core that is busy all the time: CPU
// times of threads are read on Linux only. The energy is then an upper estimate.
func systemClock() clock {
	began := time.Now()
	since := func() time.Duration { return time.Since(began) }
	return clock{
		now:     time.Now,
		process: since,
		machine: func() time.Duration { return 0 },
		thread:  func() func() time.Duration { return since },
	}
}

// Elsewhere is not known.
func Elsewhere() time.Duration { return 0 }

func thisCPU() cpu { return cpu{} }

// openRAPL finds no counters: they are read on Linux only.
func openRAPL(string) counters { return nil }
