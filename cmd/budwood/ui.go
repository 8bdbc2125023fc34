package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"budwood/cmd/budwood/devserver"
)

type uiCmd struct {
	Study string `arg:"" optional:"" help:"Name of a study, to see only its workflows."`
}

// Run prints the address that lets a browser into the web UI, wherever it goes: that
// is what the user asked for.
func (c *uiCmd) Run(a *app) error {
	info, err := a.running()
	if err != nil {
		return err
	}
	link, err := studyLink(info, c.Study)
	if err == nil {
		fmt.Fprintln(a.stdout, link)
	}
	return err
}

// running is the embedded server, or an error if it does not run.
func (a *app) running() (devserver.Info, error) {
	info, ok := devserver.Running(a.home)
	if ok && info.Key == "" {
		return info, fmt.Errorf("the Temporal server of %s (process %d) was started by an older version of budwood and has no key: stop what that version runs there", a.home, info.PID)
	}
	if !ok {
		return info, fmt.Errorf("no Temporal server runs in %s: budwood up keeps one, and budwood run while a study runs", a.home)
	}
	return info, nil
}

// link is an address of the web UI for the user who reads w. It lets a browser in,
// unless others can read w, too.
func link(w io.Writer, info devserver.Info, study string) string {
	if !exposed(w) {
		if l, err := studyLink(info, study); err == nil {
			return l
		}
	}
	return info.UIURL + " (let your browser in by the address that `budwood ui` prints)"
}

// studyLink leads to the workflows of a study, or to all of them.
func studyLink(info devserver.Info, study string) (string, error) {
	if study == "" {
		return info.UILink("/", nil)
	}
	return info.UILink("/namespaces/"+info.Namespace+"/workflows", url.Values{"query": {fmt.Sprintf("BudwoodStudy=%q", study)}})
}

// exposed reports whether w is systemd's journal, or a file that other users can read:
// not a terminal or a pipe, not private, nor below a directory that is.
func exposed(w io.Writer) bool {
	f, ok := fileOf(w)
	if !ok {
		return false
	}
	st, err := f.Stat()
	if err == nil && st.Mode().Type() == fs.ModeSocket {
		return os.Getenv("JOURNAL_STREAM") != ""
	}
	if err != nil || !st.Mode().IsRegular() || st.Mode().Perm()&0o044 == 0 {
		return false
	}
	path, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if errors.Is(err, fs.ErrNotExist) { // no Linux
		return true
	}
	for dir := filepath.Dir(path); err == nil; dir = filepath.Dir(dir) {
		if st, err = os.Stat(dir); err == nil && st.Mode().Perm()&0o011 == 0 {
			return false
		}
		if dir == "/" {
			break
		}
	}
	return true
}
