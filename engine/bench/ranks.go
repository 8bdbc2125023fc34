package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"budwood/engine"
	"budwood/engine/calibrate"
	"budwood/engine/mesh"
	"budwood/engine/optim"
)

// ranks prints how much faster two ranks that are joined by a Unix socket take the steps
// of two shards than one rank does, for each stage of zero. Both ranks are in this
// process. Windows of one and of two take turns; the fastest tenth of each counts. By
// processor time the ratio is that of ranks that never wait for each other.
func ranks(out io.Writer, chosen []model, rounds int) error {
	fmt.Fprintf(out, "\ntwo ranks beside one, %d windows each\n\n| model, batch | zero | one rank, µs a step | two | ratio by wall time | by processor time | bytes that a rank sends a step |\n|---|---|---|---|---|---|---|\n", rounds)
	for _, m := range chosen {
		for _, batch := range m.ranked {
			m.batch = batch
			for zero := range 4 {
				if err := rank(out, m, zero, rounds); err != nil {
					return fmt.Errorf("model %s: %w", m.name, err)
				}
			}
		}
	}
	return nil
}

func rank(out io.Writer, m model, zero, rounds int) error {
	links, err := joined()
	if err != nil {
		return err
	}
	defer func() {
		for _, l := range links {
			l.Close(nil)
		}
	}()
	alone, err := newTraining(m)
	if err != nil {
		return err
	}
	alone.data = alone.data.Slice(0, 8*m.batch)
	if alone.trainer, err = engine.NewTrainer(alone.trainer.Net(), engine.TrainConfig{Optimizer: optim.AdamW{}, Seed: 1, Mesh: engine.Mesh{Data: 2}}); err != nil {
		return err
	}
	var pair [2]*training
	err = both(func(k int) (err error) {
		if pair[k], err = newTraining(m); err != nil {
			return err
		}
		pair[k].data = alone.data
		world := &engine.World{Link: links[k], Ranks: 2}
		pair[k].trainer, err = engine.NewTrainer(pair[k].trainer.Net(), engine.TrainConfig{Optimizer: optim.AdamW{}, Seed: 1, Mesh: engine.Mesh{Data: 2, Zero: zero, World: world}})
		return err
	})
	if err != nil {
		return err
	}
	var wall, cpu [2][]float64
	steps := 0
	before, _ := links[0].Traffic()
	for range rounds {
		// As many epochs for all as take one rank some milliseconds.
		epochs, n, start, spent := 0, float64(alone.trainer.Steps()), time.Now(), calibrate.Clock()
		for ; time.Since(start) < 15*time.Millisecond; epochs++ {
			if _, err := alone.trainer.Epoch(alone.data); err != nil {
				return err
			}
		}
		n = (float64(alone.trainer.Steps()) - n) / 1e6
		wall[0], cpu[0] = append(wall[0], time.Since(start).Seconds()/n), append(cpu[0], (calibrate.Clock()-spent)/n)
		start, spent = time.Now(), calibrate.Clock()
		err := both(func(k int) error {
			for range epochs {
				if _, err := pair[k].trainer.Epoch(pair[k].data); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		wall[1], cpu[1] = append(wall[1], time.Since(start).Seconds()/n), append(cpu[1], (calibrate.Clock()-spent)/n)
		steps += int(n*1e6 + 0.5)
	}
	after, _ := links[0].Traffic()
	fmt.Fprintf(out, "| %s) %s, %d | %d | %.0f | %.0f | %.2f | %.2f | %.0f |\n", m.name, m.what, m.batch, zero, fastest(wall[0]), fastest(wall[1]),
		fastest(wall[0])/fastest(wall[1]), 2*fastest(cpu[0])/fastest(cpu[1]), float64(after-before)/float64(steps))
	return nil
}

// both runs do for both ranks at once.
func both(do func(k int) error) error {
	var errs [2]error
	var all sync.WaitGroup
	for k := range errs {
		all.Go(func() { errs[k] = do(k) })
	}
	all.Wait()
	return errors.Join(errs[:]...)
}

// joined joins two ranks by a Unix socket.
func joined() (links [2]*mesh.Net, err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return links, err
	}
	defer os.RemoveAll(dir)
	table := []mesh.Peer{{Machine: "this", Unix: filepath.Join(dir, "0")}, {Machine: "this", Unix: filepath.Join(dir, "1")}}
	listener, err := net.Listen("unix", table[1].Unix)
	if err != nil {
		return links, err
	}
	err = both(func(k int) (err error) {
		c := mesh.Config{Rank: k, Peers: table}
		if k == 1 {
			c.Listeners = []net.Listener{listener}
		}
		links[k], err = mesh.Join(context.Background(), c)
		return err
	})
	return links, err
}
