package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/calibrate"
	"budwood/engine/optim"
)

// lanes prints how much faster two threads take the steps of a mesh of two shards
// than one does, and what the cut itself costs one thread. Windows of the three take
// turns; the fastest tenth of each counts. By processor time the ratio is that of
// two threads that never wait for each other.
func lanes(out io.Writer, chosen []model, rounds int) error {
	fmt.Fprintf(out, "\ntwo threads beside one, %d windows each\n\n| model, batch | one thread, µs a step | two | ratio by wall time | by processor time | cut in two beside whole |\n|---|---|---|---|---|---|\n", rounds)
	for _, m := range chosen {
		for _, batch := range m.meshed {
			m.batch = batch
			var runs [3]*training
			for i, mesh := range []engine.Mesh{{}, {Data: 2}, engine.Threads(2)} {
				t, err := newTraining(m)
				if err != nil {
					return fmt.Errorf("model %s: %w", m.name, err)
				}
				if t.trainer, err = engine.NewTrainer(t.trainer.Net(), engine.TrainConfig{Optimizer: optim.AdamW{}, Seed: 1, Mesh: mesh}); err != nil {
					return fmt.Errorf("model %s: %w", m.name, err)
				}
				t.data = t.data.Slice(0, 8*batch)
				runs[i] = t
			}
			var wall, cpu [3][]float64
			for range rounds {
				for i, t := range runs {
					w, c, err := window(t.trainer, t.data)
					if err != nil {
						return fmt.Errorf("model %s: %w", m.name, err)
					}
					wall[i], cpu[i] = append(wall[i], w), append(cpu[i], c)
				}
			}
			fmt.Fprintf(out, "| %s) %s, %d | %.0f | %.0f | %.2f | %.2f | %.2f |\n", m.name, m.what, batch, fastest(wall[1]), fastest(wall[2]),
				fastest(wall[1])/fastest(wall[2]), 2*fastest(cpu[1])/fastest(cpu[2]), fastest(cpu[0])/fastest(cpu[1]))
		}
	}
	return nil
}

// window trains whole epochs for some milliseconds and returns the microseconds of a
// step, by wall time and by the processor's.
func window(t *engine.Trainer, s *data.Set) (wall, cpu float64, err error) {
	steps, start, spent := t.Steps(), time.Now(), calibrate.Clock()
	for time.Since(start) < 15*time.Millisecond {
		if _, err := t.Epoch(s); err != nil {
			return 0, 0, err
		}
	}
	n := float64(t.Steps()-steps) / 1e6
	return time.Since(start).Seconds() / n, (calibrate.Clock() - spent) / n, nil
}

// fastest is the mean of the fastest tenth.
func fastest(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	n := max(len(x)/10, 1)
	sum := 0.
	for _, v := range x[:n] {
		sum += v
	}
	return sum / float64(n)
}
