package energy

import (
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

func systemClock() clock {
	return clock{
		now:     time.Now,
		process: func() time.Duration { return cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID) },
		machine: machineTime,
		thread:  threadClock,
	}
}

// threadClock is CLOCK_THREAD_CPUTIME_ID of the calling thread in a form that any
// other thread of the process can read: the kernel's clock number of a thread is
// made of its id (see CPUCLOCK_PERTHREAD in linux/posix-timers.h). A thread that
// has ended keeps its last time.
func threadClock() func() time.Duration {
	id := int32(^unix.Gettid()<<3 | 6)
	last := cpuTime(unix.CLOCK_THREAD_CPUTIME_ID)
	return func() time.Duration {
		last = max(last, cpuTime(id))
		return last
	}
}

// ThreadTime is the processor time of the calling thread so far.
func ThreadTime() time.Duration { return cpuTime(unix.CLOCK_THREAD_CPUTIME_ID) }

func cpuTime(id int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(id, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// machineTime is the time all processors were busy, from /proc/stat.
func machineTime() time.Duration {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0
	}
	stat, err := fs.Stat()
	if err != nil {
		return 0
	}
	c := stat.CPUTotal
	return time.Duration((c.User + c.Nice + c.System + c.IRQ + c.SoftIRQ) * float64(time.Second))
}

// Elsewhere is the processor time that all other processes of the machine have taken so
// far; 0 if it is not known.
func Elsewhere() time.Duration { return max(machineTime()-cpuTime(unix.CLOCK_PROCESS_CPUTIME_ID), 0) }

// thisCPU reads /proc/cpuinfo. The number of cores is known on real machines
// only: a virtual one shows the cores that it was lent.
func thisCPU() cpu {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return cpu{}
	}
	infos, err := fs.CPUInfo()
	if err != nil || len(infos) == 0 {
		return cpu{}
	}
	c := cpu{model: infos[0].ModelName, cores: int(infos[0].CPUCores)}
	for _, flag := range infos[0].Flags {
		if flag == "hypervisor" {
			c.cores = 0
		}
	}
	return c
}
