package main

import (
	"os/exec"

	"budwood/cmd/budwood/devserver"
	"budwood/trials"
)

// reaperCommand is the hidden subcommand by which a worker starts its reaper.
const reaperCommand = "reap-orphans"

func newReaper() *trials.Reaper {
	return &trials.Reaper{Program: func() (*exec.Cmd, error) {
		self, err := devserver.Self()
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(self, reaperCommand)
		cmd.Dir = "/"
		return cmd, nil
	}}
}
