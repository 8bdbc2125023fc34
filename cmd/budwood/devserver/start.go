package devserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	errEnded = errors.New("it ended at once")
	// errPortTaken: another program took the port between the moment it was chosen
	// and that of listening on it, which ends Temporal's process.
	errPortTaken = errors.New("it ended at once, because another program took its port")
)

// start runs this program a second time, as the server, and returns when that
// answers. The server gets the lock, which start closes on its own side.
func start(ctx context.Context, home string, want ports, lock *os.File) (Info, error) {
	defer lock.Close()
	// The last server may have been killed: what it said is no longer true.
	if err := os.Remove(filepath.Join(home, infoFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return Info{}, fmt.Errorf("start Temporal: %w", err)
	}
	log, err := newLog(home)
	if err != nil {
		return Info{}, fmt.Errorf("start Temporal: %w", err)
	}
	defer log.Close()
	in, out, err := os.Pipe()
	if err != nil {
		return Info{}, fmt.Errorf("start Temporal: %w", err)
	}
	defer in.Close()
	exe, err := Self()
	if err != nil {
		out.Close()
		return Info{}, fmt.Errorf("start Temporal: %w", err)
	}
	cmd := exec.Command(exe, Command, "serve", "-home", home, "-port", strconv.Itoa(want.grpc), "-ui-port", strconv.Itoa(want.ui))
	cmd.Dir = home // not the user's directory: it may be unmounted or removed meanwhile
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{lockFD - 3: lock, reportFD - 3: out}
	// A session of its own: Ctrl-C and a closed terminal are for the user's command.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	out.Close()
	if err != nil {
		return Info{}, fmt.Errorf("start Temporal: %w", err)
	}
	go cmd.Wait() // or it would stay behind as a zombie

	defer context.AfterFunc(ctx, func() { in.SetReadDeadline(time.Unix(1, 0)) })()
	var r report
	switch err := json.NewDecoder(in).Decode(&r); {
	case ctx.Err() != nil:
		return Info{}, fmt.Errorf("start Temporal: %w", context.Cause(ctx))
	case err != nil:
		last, what := lastError(log.Name()), errEnded
		if strings.Contains(last, syscall.EADDRINUSE.Error()) {
			what = errPortTaken
		}
		return Info{}, fmt.Errorf("start Temporal: %w: %s (the whole log: %s)", what, last, log.Name())
	case r.Error != "":
		return Info{}, errors.New(r.Error)
	}
	return r.Info, nil
}

// newLog opens an empty log and keeps the last one beside it.
func newLog(home string) (*os.File, error) {
	path := filepath.Join(home, logFile)
	if err := os.Rename(path, path+".1"); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	// Appending, so that truncating it makes it small again.
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// lastError is the last line of a log that tells of a failure, or the last line.
func lastError(path string) string {
	const tail = 64 << 10
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > tail {
		_, _ = f.Seek(-tail, io.SeekEnd)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return err.Error()
	}
	last := "it wrote nothing"
	for line := range bytes.Lines(data) {
		var entry struct{ Level, Msg, Error string }
		if line = bytes.TrimSpace(line); len(line) == 0 {
			continue
		}
		if json.Unmarshal(line, &entry) != nil {
			last = string(line)
		} else if entry.Level == "fatal" || entry.Level == "error" {
			last = oneLine(entry.Msg + " " + entry.Error)
		}
	}
	return last
}
