//go:build unix && !linux

package trials

import (
	"os"
	"os/exec"
	"syscall"
	"time"
)

// processGroup is a command with everything it started. Its CPU time and memory
// are read on Linux only.
type processGroup struct{ id int }

func startGroup(cmd *exec.Cmd, _ int, _ int64) (*processGroup, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &processGroup{cmd.Process.Pid}, nil
}

func (g *processGroup) terminate()             { _ = syscall.Kill(-g.id, syscall.SIGTERM) }
func (g *processGroup) kill()                  { _ = syscall.Kill(-g.id, syscall.SIGKILL) }
func (g *processGroup) ended(*os.ProcessState) {}
func (g *processGroup) cpuTime() time.Duration { return 0 }
func (g *processGroup) memory() int64          { return 0 }
