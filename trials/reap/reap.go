// Package reap is the process beside a worker that ends what the commands of the
// worker have started, should the worker be killed.
//
// It is the worker's own program, started under the name [Arg0], so that every
// program which runs commands has it, whatever it is. It becomes the reaper while
// its packages are initialised, before those that take memory: Go initialises
// packages whose imports are there in the order of their paths, and this one
// imports next to nothing.
package reap

import (
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Arg0 is the name of the reaper's process, and its only argument.
const Arg0 = "budwood-reaper"

func init() {
	if len(os.Args) == 1 && os.Args[0] == Arg0 {
		signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
		slim()
		Reap(os.Stdin)
		os.Exit(0)
	}
}

// job is a command that runs.
type job struct {
	group int    // process group
	dir   string // its working files
}

// Reap reads what the worker says: a line "group directory" when a command has
// started, a line "-group" when it has ended. It returns when in ends, which it
// does when the worker has died, and the commands that still run then are gone, with
// their files.
func Reap(in io.Reader) {
	jobs := map[int]job{}
	var text []byte
	block := make([]byte, 4096)
	for {
		n, err := in.Read(block)
		for _, c := range block[:n] {
			if c != '\n' {
				text = append(text, c)
				continue
			}
			if j := parse(text); j.group > 1 {
				jobs[j.group] = j
			} else {
				delete(jobs, -j.group)
			}
			text = text[:0]
		}
		if err != nil {
			break
		}
	}
	for _, j := range jobs {
		_ = syscall.Kill(-j.group, syscall.SIGKILL)
	}
	for _, j := range jobs {
		if j.dir != "" {
			Clear(j.dir)
		}
	}
}

// Checkpoint is the variable that tells a command its checkpoint directory, which is
// below that of its working files. What the command starts inherits it, also what has
// left its process group.
const Checkpoint = "BUDWOOD_CHECKPOINT="

// Clear kills what still runs of a command (on Linux) and removes its working files.
func Clear(dir string) {
	for range 100 { // one that is just dying may still write
		if !Kill(Checkpoint+dir+"/") && os.RemoveAll(dir) == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// parse reads a line, by hand: what this package imports is initialised before it.
func parse(line []byte) (j job) {
	sign := 1
	for i, c := range line {
		switch {
		case i == 0 && c == '-':
			sign = -1
		case '0' <= c && c <= '9':
			j.group = 10*j.group + int(c-'0')
		default:
			if c == ' ' {
				j.dir = string(line[i+1:])
			}
			j.group *= sign
			return j
		}
	}
	j.group *= sign
	return j
}
