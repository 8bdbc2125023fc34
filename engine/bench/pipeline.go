package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/crew"
	"budwood/engine/mesh"
	"budwood/engine/optim"
	"budwood/trials/energy"
)

// staged are networks of equal blocks, which can be cut into equal stages.
var staged = []model{
	{"p", "MLP of 6 × 256", engine.Seq{dense, engine.ReLU{}, dense, engine.ReLU{}, dense, engine.ReLU{}, dense, engine.ReLU{}, dense, engine.ReLU{}, dense}, data.Shape{256}, 256, nil, nil},
	{"q", "transformer, 32 steps × 64, 4 blocks", engine.Seq{block, block, block, block, engine.LastStep{}}, data.Shape{32, 64}, 32, nil, nil},
}

var dense = engine.Dense{Out: 256}

// pipelines prints what two stages take beside one thread, with the same micro-batches. The
// stages are ranks on two threads of this process; once they look for what comes from each
// other before they park, as trainers let them, and once they park at once. Steps of all three
// take turns; the fastest twentieth of each counts. By processor time, of those who park, a
// step is as long as the slower stage is at work, times (m + P − 1)/m for the bubble: that of
// threads with a core of their own. Ratios by wall time, and the bubble, which is set beside
// (P − 1)/(m + P − 1), are for quiet machines: on a busy one a thread that is woken waits for
// a core for longer than a micro-batch takes, and who sees that looks no more.
func pipelines(out io.Writer, steps int) error {
	fmt.Fprintf(out, "\ntwo stages on two threads beside one thread, %d steps each\n\n| model, batch | micro-batches | one thread, µs a step | two stages | ratio by wall time | where they park | by processor time | theory | bubble | theory |\n|---|---|---|---|---|---|---|---|---|---|\n", steps)
	for _, m := range staged {
		for _, micro := range []int{2, 4, 8, 16} {
			if err := pipeline(out, m, micro, steps); err != nil {
				return fmt.Errorf("model %s: %w", m.name, err)
			}
		}
	}
	return nil
}

// took is a step: seconds on the wall, of the processor by the thread that took most, and
// the share that the first stage waited.
type took struct{ wall, cpu, bubble float64 }

// Who takes a step.
const (
	alone = iota
	looking
	parking
	kinds
)

func pipeline(out io.Writer, m model, micro, steps int) error {
	join := func(mesh engine.Mesh) (*training, error) {
		t, err := newTraining(m)
		if err == nil {
			mesh.MicroBatches = micro
			t.trainer, err = engine.NewTrainer(t.trainer.Net(), engine.TrainConfig{Optimizer: optim.AdamW{}, Seed: 1, Mesh: mesh})
		}
		return t, err
	}
	one, err := join(engine.Mesh{})
	if err != nil {
		return err
	}
	taken := crew.New(1, nil)
	defer taken.Enter(2)()
	runs := [kinds][]*training{{one}, make([]*training, 2), make([]*training, 2)}
	for kind, idle := range map[int]*crew.Team{looking: nil, parking: taken.Team(nil)} {
		links := mesh.Local(2)
		err = both(func(k int) (err error) {
			runs[kind][k], err = join(engine.Mesh{Pipeline: 2, Idle: idle, World: &engine.World{Link: links[k], Ranks: 2}})
			return err
		})
		if err != nil {
			return err
		}
	}
	var all [kinds][]took
	for range steps {
		for i := range runs {
			t, err := measured(runs[i])
			if err != nil {
				return err
			}
			all[i] = append(all[i], t)
		}
	}
	wall, cpu := func(t took) float64 { return t.wall }, func(t took) float64 { return t.cpu }
	bubble := func(t took) float64 { return t.bubble }
	var walls [kinds]float64
	for i := range walls {
		walls[i] = best(all[i], wall, wall)
	}
	full := float64(micro+1) / float64(micro)
	fmt.Fprintf(out, "| %s) %s, %d | %d | %.0f | %.0f | %.2f | %.2f | %.2f | %.2f | %.3f | %.3f |\n", m.name, m.what, m.batch, micro, 1e6*walls[alone], 1e6*walls[looking],
		walls[alone]/walls[looking], walls[alone]/walls[parking], best(all[alone], cpu, cpu)/(best(all[parking], cpu, cpu)*full), 2/full, best(all[looking], wall, bubble), 1/float64(micro+1))
	return nil
}

// measured takes a step of ranks, each on a thread of its own.
func measured(ranks []*training) (took, error) {
	errs, cpu := make([]error, len(ranks)), make([]float64, len(ranks))
	var all sync.WaitGroup
	began := time.Now()
	for k, t := range ranks {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			began := energy.ThreadTime()
			_, errs[k] = t.trainer.Step(t.data)
			cpu[k] = (energy.ThreadTime() - began).Seconds()
		})
	}
	all.Wait()
	out := took{wall: time.Since(began).Seconds(), cpu: slices.Max(cpu), bubble: ranks[0].trainer.Bubble()}
	return out, errors.Join(errs...)
}

// best is the mean of something over the twentieth of the steps that have least of by.
func best(steps []took, by, of func(took) float64) (sum float64) {
	steps = slices.SortedFunc(slices.Values(steps), func(a, b took) int { return cmp.Compare(by(a), by(b)) })
	n := max(len(steps)/20, 1)
	for _, s := range steps[:n] {
		sum += of(s) / float64(n)
	}
	return sum
}
