package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed onnxruntime.mjs
var runtimeScript string

// onnxRuntime is a running node with onnxruntime-node, which computes when it is asked to.
type onnxRuntime struct {
	cmd             *exec.Cmd
	in              io.WriteCloser
	out             *bufio.Reader
	folder, version string
}

// startRuntime starts node with the onnxruntime-node that npm has installed in a folder.
func startRuntime(npm string) (*onnxRuntime, error) {
	node, err := exec.LookPath("node")
	if npm == "" || err != nil {
		return nil, errors.New("needs node, and -onnxruntime FOLDER after npm install --ignore-scripts onnxruntime-node in it")
	}
	if _, err := os.Stat(filepath.Join(npm, "node_modules", "onnxruntime-node")); err != nil {
		return nil, fmt.Errorf("%w: npm install --ignore-scripts onnxruntime-node in %s", err, npm)
	}
	r := &onnxRuntime{}
	if r.folder, err = os.MkdirTemp("", "inference"); err != nil {
		return nil, err
	}
	file := filepath.Join(r.folder, "run.mjs")
	if err := os.WriteFile(file, []byte(runtimeScript), 0o600); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	if npm, err = filepath.Abs(npm); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	r.cmd = exec.Command(node, file, npm)
	r.cmd.Stderr = os.Stderr
	r.in, err = r.cmd.StdinPipe()
	out, err2 := r.cmd.StdoutPipe()
	if err := errors.Join(err, err2); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	r.out = bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(r.folder))
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("onnxruntime: %w", err), r.stop())
	}
	r.version = strings.TrimSpace(line)
	return r, nil
}

// run computes a model in a file, with an input of these dimensions, for some seconds of
// processor time, and returns the microseconds of a row.
func (r *onnxRuntime) run(file string, dims []int, seconds float64) (float64, error) {
	ask, err := json.Marshal([]any{file, dims, seconds})
	if err != nil {
		return 0, err
	}
	if _, err := fmt.Fprintf(r.in, "%s\n", ask); err != nil {
		return 0, fmt.Errorf("onnxruntime: %w", err)
	}
	line, err := r.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("onnxruntime: %s: %w", filepath.Base(file), err)
	}
	var rows, took float64
	if _, err := fmt.Sscan(line, &rows, &took); err != nil || rows <= 0 {
		return 0, fmt.Errorf("onnxruntime: %s: answered %q", filepath.Base(file), line)
	}
	return took / rows * 1e6, nil
}

// stop ends the process and removes its files.
func (r *onnxRuntime) stop() error {
	return errors.Join(r.in.Close(), r.cmd.Wait(), os.RemoveAll(r.folder))
}
