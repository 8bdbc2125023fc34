package main

import (
	"fmt"

	"budwood"
	"budwood/engine"
	"budwood/engine/calibrate"
)

// calibrated measures this machine and keeps what it found.
func calibrated(a *app) error {
	m, err := calibrate.Measure(a.ctx)
	if err != nil {
		return fmt.Errorf("measure this machine: %w", err)
	}
	if err := budwood.WriteMachine(a.home, m); err != nil {
		return err
	}
	t := table{head: []string{"MEASURED", "VALUE"}}
	t.add("machine", m.Name)
	t.add("peak", fmt.Sprintf("%.3g GFLOP/s a core, on registers", m.Peak/1e9))
	for _, w := range m.Widths {
		t.add(fmt.Sprintf("products[%d]", w.Columns), fmt.Sprintf("%.3g GFLOP/s, %d columns wide: %.0f %% of the peak", w.FLOPS/1e9, w.Columns, 100*w.FLOPS/m.Peak))
	}
	t.add("memory", fmt.Sprintf("%.3g GB/s a core", m.Memory/1e9))
	t.add("optimizer", fmt.Sprintf("%.3g GB/s", 1e-9/m.Step))
	t.add("half", fmt.Sprintf("products of bfloat16 take %.2f of the time of float32, of float16 %.2f", m.BF16, m.FP16))
	t.add("lanes", lanesOf(m))
	for _, l := range m.Links {
		t.add("link."+l.Name, fmt.Sprintf("%.3g GB/s, %s a message", l.Rate/1e9, seconds(l.Latency)))
	}
	if err := t.print(a.stdout); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "kept in %s\n", budwood.MachineFile(a.home))
	return nil
}

// lanesOf says what lanes that compute at once lose.
func lanesOf(m *engine.Machine) string {
	text := fmt.Sprintf("two are %.0f %% slower than one, and wait %s a step for each other", 50*m.Crowd, seconds(m.Meet))
	switch {
	case m.Cores < 2:
		return "there is one processor"
	case m.Busy:
		return text + ": built-in numbers, for other programs took the processors"
	}
	return text
}

// machine tells what predictions of time are made from.
func (d *doctor) machine() {
	m, err := budwood.ReadMachine(d.a.home)
	if err != nil {
		d.say(false, "machine", err.Error())
		return
	}
	d.say(true, "machine", "predicted times are by "+m.Measured())
}
