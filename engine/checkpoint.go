package engine

import (
	"fmt"
	"io"
	"slices"
	"strconv"

	"budwood/engine/safetensors"
)

// The format of checkpoints, in their metadata.
const checkpointFormat = "budwood checkpoint 1"

// Save writes a checkpoint in the safetensors format: weights and running
// statistics under their own names, the copy made by KeepBest under "best.…",
// the optimizer's state under "optimizer.…", and in the metadata the epoch and
// the seed, from which every random choice follows.
func (t *Trainer) Save(w io.Writer) error {
	meta := map[string]string{
		"format":    checkpointFormat,
		"optimizer": t.cfg.Optimizer.String(),
		"epoch":     strconv.Itoa(t.done),
		"step":      strconv.Itoa(t.steps),
		"seed":      strconv.FormatUint(t.cfg.Seed, 10),
	}
	if t.best.params != nil {
		meta["best_epoch"] = strconv.Itoa(t.best.epoch)
	}
	if err := safetensors.Write(w, meta, t.tensors(t.best)); err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// tensors lists everything a checkpoint holds, in the order of the file; best
// may have no params.
func (t *Trainer) tensors(best snapshot) []safetensors.Tensor {
	n := t.net
	list := slices.Concat(n.Tensors(), n.Statistics())
	if best.params != nil {
		for _, x := range slices.Concat(n.tensors(n.plan.params, best.params), n.tensors(n.plan.stats, best.stats)) {
			x.Name = "best." + x.Name
			list = append(list, x)
		}
	}
	for i, slot := range t.cfg.Optimizer.slots() {
		for _, x := range n.tensors(n.plan.params, t.slots[i]) {
			x.Name = "optimizer." + slot + "." + x.Name
			list = append(list, x)
		}
	}
	return list
}

// Load reads a checkpoint of a trainer of the same network and kind of
// optimizer. The seed comes from the checkpoint too. On an error nothing has
// changed.
func (t *Trainer) Load(r io.Reader) error {
	meta, tensors, err := safetensors.Read(r)
	if err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	if err := t.restore(meta, tensors); err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	return nil
}

func (t *Trainer) restore(meta map[string]string, tensors []safetensors.Tensor) error {
	if f := meta["format"]; f != checkpointFormat {
		return fmt.Errorf("its format is %q, not %q", f, checkpointFormat)
	}
	if o := meta["optimizer"]; o != t.cfg.Optimizer.String() {
		return fmt.Errorf("it was trained with %s, not with %v", o, t.cfg.Optimizer)
	}
	var done, steps, bestEpoch int
	for _, f := range []struct {
		key string
		to  *int
	}{{"epoch", &done}, {"step", &steps}, {"best_epoch", &bestEpoch}} {
		text, ok := meta[f.key]
		if !ok && f.key == "best_epoch" {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 {
			return fmt.Errorf("its %s is %q", f.key, text)
		}
		*f.to = v
	}
	seed, err := strconv.ParseUint(meta["seed"], 10, 64)
	if err != nil {
		return fmt.Errorf("its seed is %q", meta["seed"])
	}
	var best snapshot
	if _, ok := meta["best_epoch"]; ok {
		best = snapshot{bestEpoch, make([]float32, len(t.net.params)), make([]float32, len(t.net.stats))}
	}
	want := t.tensors(best)
	if err := match(want, tensors); err != nil {
		return err
	}
	byName := make(map[string][]float32, len(tensors))
	for _, x := range tensors {
		byName[x.Name] = x.Data
	}
	for _, x := range want {
		copy(x.Data, byName[x.Name])
	}
	t.done, t.steps, t.cfg.Seed, t.best = done, steps, seed, best
	return nil
}

// match tells whether two lists hold the same names and shapes.
func match(want, got []safetensors.Tensor) error {
	shapes := make(map[string][]int, len(got))
	for _, x := range got {
		shapes[x.Name] = x.Shape
	}
	for _, x := range want {
		s, ok := shapes[x.Name]
		if !ok {
			return fmt.Errorf("it has no tensor %q: it belongs to another network", x.Name)
		}
		if !slices.Equal(s, x.Shape) {
			return fmt.Errorf("tensor %q has shape %v, the network's has %v", x.Name, s, x.Shape)
		}
		delete(shapes, x.Name)
	}
	for _, x := range got {
		if _, ok := shapes[x.Name]; ok {
			return fmt.Errorf("tensor %q is not of this network", x.Name)
		}
	}
	return nil
}
