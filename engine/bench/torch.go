package main

import (
	"bufio"
	_ "embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

//go:embed pytorch.py
var script string

// torch is a running Python with PyTorch, which trains when it is asked to.
type torch struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	version string
}

// tuned are the settings with which PyTorch of Debian is fastest. Those of
// malloc keep the memory of a step for the next one: without them page faults
// take most of the time where they are slow.
var tuned = []string{
	"MALLOC_MMAP_THRESHOLD_=1000000000", "MALLOC_TRIM_THRESHOLD_=2000000000", "MALLOC_TOP_PAD_=100000000",
	"GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
}

// tuned512 are more of them for processors with AVX-512, some of which its
// libraries take for older ones.
var tuned512 = []string{"OPENBLAS_CORETYPE=SkylakeX", "ATEN_CPU_CAPABILITY=avx512"}

// startTorch starts the first Python of the list that has PyTorch.
func startTorch(pythons []string, env []string) (*torch, error) {
	for _, python := range pythons {
		version, err := exec.Command(python, "-c", "import torch; print(torch.__version__)").Output()
		if err != nil {
			continue
		}
		t := &torch{cmd: exec.Command(python, "-c", script), version: strings.TrimSpace(string(version))}
		t.cmd.Env = append(os.Environ(), env...)
		t.cmd.Stderr = os.Stderr
		if t.in, err = t.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := t.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		t.out = bufio.NewReader(out)
		return t, t.cmd.Start()
	}
	return nil, fmt.Errorf("none of %s has PyTorch: install python3-torch, or name one with -python", strings.Join(pythons, ", "))
}

// rate trains a model for some seconds of processor time and returns samples a
// second.
func (t *torch) rate(model string, seconds float64) (float64, error) {
	if _, err := fmt.Fprintln(t.in, model, seconds); err != nil {
		return 0, fmt.Errorf("PyTorch, model %s: %w", model, err)
	}
	line, err := t.out.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("PyTorch, model %s: %w", model, err)
	}
	var samples, took float64
	if _, err := fmt.Sscan(line, &samples, &took); err != nil || took <= 0 {
		return 0, fmt.Errorf("PyTorch, model %s: answered %q", model, line)
	}
	return samples / took, nil
}

// stop ends the process.
func (t *torch) stop() error {
	t.in.Close()
	return t.cmd.Wait()
}
