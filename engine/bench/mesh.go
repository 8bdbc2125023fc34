package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"

	"budwood/engine"
	"budwood/engine/calibrate"
	"budwood/engine/optim"
)

// meshes are those of one to four lanes on two processors.
var meshes = []engine.Mesh{{}, {Data: 2}, engine.Threads(2), {Data: 2, MicroBatches: 2, Threads: 2}, {Data: 3, Threads: 2}, {Data: 4, Threads: 2}}

// predictions prints the predicted time of a step beside the measured one, and what the
// choice of the program would cost beside the best mesh that was measured. A machine is
// read from a file, where one is named, or measured first.
func predictions(out io.Writer, chosen []model, file string, rounds int) error {
	m, err := machine(file)
	if err != nil {
		return err
	}
	each, _ := json.Marshal(m)
	fmt.Fprintf(out, "\npredicted and measured steps, %s; the fastest tenth of %d windows\n%s\n\n| model, batch | mesh | predicted, µs | by processor time | error | on the wall |\n|---|---|---|---|---|---|\n", m.Measured(), rounds, each)
	var errs []float64
	for _, x := range chosen {
		for _, batch := range x.meshed {
			x.batch = batch
			predicted, measured, wall, err := steps(x, m, rounds)
			if err != nil {
				return fmt.Errorf("model %s: %w", x.name, err)
			}
			best := math.Inf(1)
			for i, mesh := range meshes {
				e := predicted[i]/measured[i] - 1
				errs = append(errs, math.Abs(e))
				best = min(best, measured[i])
				fmt.Fprintf(out, "| %s) %s, %d | data %d, micro_batches %d, threads %d | %.0f | %.0f | %+.0f %% | %.0f |\n", x.name, x.what, batch,
					mesh.Shards(), max(mesh.MicroBatches, 1), max(mesh.Threads, 1), predicted[i], measured[i], 100*e, wall[i])
			}
			choice, err := engine.SearchMesh(x.layers, x.in, engine.Config{Batch: batch}, engine.TrainConfig{Optimizer: optim.AdamW{}}, m, 2, 0)
			if err != nil {
				return err
			}
			c := choice.Best.Mesh
			for i, mesh := range meshes {
				if mesh.Shards() == c.Data && max(mesh.MicroBatches, 1) == c.MicroBatches && max(mesh.Threads, 1) == c.Threads {
					fmt.Fprintf(out, "| %s) %s, %d | chosen: %s | | %.2f × the best | | |\n", x.name, x.what, batch, choice, measured[i]/best)
				}
			}
		}
	}
	fmt.Fprintf(out, "\nmedian error %.1f %%\n", 100*median(errs))
	return nil
}

// machine reads one, or measures this one.
func machine(file string) (*engine.Machine, error) {
	switch file {
	case "":
		return calibrate.Measure(context.Background())
	case "built-in":
		return engine.BuiltIn(), nil
	}
	b, err := os.ReadFile(file)
	m := &engine.Machine{}
	if err == nil {
		err = json.Unmarshal(b, m)
	}
	return m, err
}

// steps are the microseconds of a step of a model on each of the meshes: predicted;
// measured by the processor's time of the lane that computes most, which other programs
// disturb little, but in which lanes do not wait for each other; and on the wall.
func steps(x model, m *engine.Machine, rounds int) (predicted, measured, onWall []float64, err error) {
	var runs []*training
	var shares []float64 // of the rows, that such a lane computes
	for _, mesh := range meshes {
		t, err := newTraining(x)
		if err != nil {
			return nil, nil, nil, err
		}
		c := engine.TrainConfig{Optimizer: optim.AdamW{}, Seed: 1, Mesh: mesh}
		if t.trainer, err = engine.NewTrainer(t.trainer.Net(), c); err != nil {
			return nil, nil, nil, err
		}
		t.data = t.data.Slice(0, 4*x.batch)
		p, err := engine.Predict(x.layers, x.in, engine.Config{Batch: x.batch}, c, m)
		if err != nil {
			return nil, nil, nil, err
		}
		shares = append(shares, math.Ceil(float64(p.Mesh.Data)/float64(p.Lanes))/float64(p.Mesh.Data))
		runs, predicted = append(runs, t), append(predicted, 1e6*p.Step.Time.Step)
	}
	wall, cpu := make([][]float64, len(runs)), make([][]float64, len(runs))
	for range rounds {
		for i, t := range runs {
			w, c, err := window(t.trainer, t.data)
			if err != nil {
				return nil, nil, nil, err
			}
			wall[i], cpu[i] = append(wall[i], w), append(cpu[i], c*shares[i])
		}
	}
	for i := range runs {
		measured, onWall = append(measured, fastest(cpu[i])), append(onWall, fastest(wall[i]))
	}
	return predicted, measured, onWall, nil
}
