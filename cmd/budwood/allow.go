package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"budwood/trials"
)

// allowFile lists the commands that the owner of a state directory has allowed
// its background workers to run, one line each: a digest, and the command for
// people to read.
const allowFile = "allowed-commands"

// permit checks that a study's program may run here, and with allow says that it
// may.
func (a *app) permit(c *trials.Command, allow bool) error {
	if c == nil || a.allowed(c) == nil {
		return nil
	}
	if !allow {
		return usageError{fmt.Errorf("the study runs a program: %s (in %s). Allow it with --allow-commands if you trust it", strings.Join(c.Args, " "), c.Dir)}
	}
	if err := os.MkdirAll(a.home, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(a.home, allowFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%s %s (in %s)\n", digest(c), strings.ReplaceAll(strings.Join(c.Args, " "), "\n", " "), c.Dir)
	return errors.Join(err, f.Close())
}

// allowed reports whether a command was allowed.
func (a *app) allowed(c *trials.Command) error {
	b, err := os.ReadFile(filepath.Join(a.home, allowFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	want := digest(c)
	if slices.ContainsFunc(strings.Split(string(b), "\n"), func(line string) bool { return strings.HasPrefix(line, want+" ") }) {
		return nil
	}
	return fmt.Errorf("the workers of %s do not run %s: allow it with budwood run --allow-commands", a.home, c.Args[0])
}

// digest names a command by what decides what it runs.
func digest(c *trials.Command) string {
	b, _ := json.Marshal([]any{c.Args, c.Dir, c.Env})
	return fmt.Sprintf("%x", sha256.Sum256(b))[:32]
}
