package main

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed xgboost_peer.py
var script string

// xgboost is a running Python with XGBoost, which takes a turn when it is asked to.
type xgboost struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	dir     string
	version string
	outputs int
}

// startXGBoost starts the first Python of the list that has XGBoost.
func startXGBoost(pythons []string) (*xgboost, error) {
	for _, python := range pythons {
		version, err := exec.Command(python, "-c", "import xgboost; print(xgboost.__version__)").Output()
		if err != nil {
			continue
		}
		x := &xgboost{cmd: exec.Command(python, "-c", script), version: strings.TrimSpace(string(version))}
		if x.dir, err = os.MkdirTemp("", "xgboost"); err != nil {
			return nil, err
		}
		x.cmd.Dir = x.dir
		x.cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1")
		x.cmd.Stderr = os.Stderr
		if x.in, err = x.cmd.StdinPipe(); err != nil {
			return nil, err
		}
		out, err := x.cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		x.out = bufio.NewReader(out)
		return x, x.cmd.Start()
	}
	return nil, fmt.Errorf("none of %s has XGBoost: install python3-xgboost, or name one with -python", strings.Join(pythons, ", "))
}

// load gives it the rows of a problem.
func (x *xgboost) load(p *problem) error {
	x.outputs = max(p.train.Classes, 1)
	for name, values := range map[string]any{"x": p.train.X, "test": p.test.X, "class": p.train.Class, "value": p.train.Target} {
		f, err := os.Create(filepath.Join(x.dir, name))
		if err != nil {
			return err
		}
		w := bufio.NewWriter(f)
		if err := binary.Write(w, binary.LittleEndian, values); err != nil {
			return err
		}
		if err := w.Flush(); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	_, err := x.ask(map[string]any{"load": p.train.Shape.Size()})
	return err
}

// answer is what it says of a turn.
type answer struct {
	Train, Predict float64
}

func (x *xgboost) ask(q any) (a answer, err error) {
	b, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	if _, err := fmt.Fprintf(x.in, "%s\n", b); err != nil {
		return a, err
	}
	line, err := x.out.ReadBytes('\n')
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}

// turn trains, and predicts the test rows so many times: seconds of each, and what was predicted, with the
// probabilities of all classes.
func (x *xgboost) turn(s settings, times int) (train, predict float64, y []float64, err error) {
	a, err := x.ask(map[string]any{"settings": s, "times": times})
	if err != nil {
		return 0, 0, nil, err
	}
	b, err := os.ReadFile(filepath.Join(x.dir, "predicted"))
	if err != nil {
		return 0, 0, nil, err
	}
	raw := make([]float32, len(b)/4)
	if _, err := binary.Decode(b, binary.LittleEndian, raw); err != nil {
		return 0, 0, nil, err
	}
	for _, v := range raw {
		if x.outputs == 2 {
			y = append(y, 1-float64(v))
		}
		y = append(y, float64(v))
	}
	return a.Train, a.Predict, y, nil
}

// stop ends the process.
func (x *xgboost) stop() error {
	x.in.Close()
	err := x.cmd.Wait()
	os.RemoveAll(x.dir)
	return err
}
