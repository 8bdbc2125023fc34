package engine

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/optim"
	"budwood/engine/safetensors"
)

// The format of checkpoints, in their metadata.
const checkpointFormat = "budwood checkpoint 1"

// state is all numbers of a trainer beside its tensors, as a checkpoint's
// metadata. Losses are bits, so that they come back as they were.
type state struct {
	Rows      int                 `json:"rows,omitempty"`
	Sum       uint64              `json:"sum,omitempty"`
	Weight    uint64              `json:"weight,omitempty"`
	Loss      uint64              `json:"loss,omitempty"`
	Plateau   *optim.PlateauState `json:"plateau,omitempty"`
	LossScale *scaler             `json:"loss_scale,omitempty"`
}

// Save writes a checkpoint in the safetensors format: weights and running
// statistics under their own names, the copy made by KeepBest under "best.…",
// the average of the weights under "average.…", the optimizer's state under
// "optimizer.…", and in the metadata how far training has come and the seed, from
// which every random choice follows.
func (t *Trainer) Save(w io.Writer) error {
	s := state{Rows: t.rows, Sum: math.Float64bits(t.sum), Weight: math.Float64bits(t.weight), Loss: math.Float64bits(t.loss)}
	if t.plateau != nil {
		s.Plateau = &t.seen
	}
	if t.cfg.LossScale != nil {
		s.LossScale = &t.scale
	}
	more, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	meta := map[string]string{
		"format":    checkpointFormat,
		"optimizer": t.cfg.Optimizer.String(),
		"epoch":     strconv.Itoa(t.done),
		"step":      strconv.Itoa(t.steps),
		"seed":      strconv.FormatUint(t.cfg.Seed, 10),
		"state":     string(more),
		"cpu":       t.net.CPU(),
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
	add := func(prefix string, ps []*plan.Param, flat []float32) {
		for _, x := range n.tensors(ps, flat) {
			x.Name = prefix + x.Name
			list = append(list, x)
		}
	}
	if best.params != nil {
		add("best.", n.plan.Params, best.params)
		add("best.", n.plan.Stats, best.stats)
	}
	if t.average != nil {
		add("average.", n.plan.Params, t.average)
	}
	for i, slot := range t.cfg.Optimizer.Slots() {
		add("optimizer."+slot+".", n.plan.Params, t.slots[i])
	}
	return list
}

// Load reads a checkpoint of a trainer of the same network and configuration.
// The seed comes from the checkpoint too, and the instruction set if this machine
// has it, so that training goes on with the same numbers: see [Net.CPU]. Values are
// read to where they belong: there is no second copy of them. On an error nothing
// has changed, but if a reader fails that has no method Len to tell what it holds.
func (t *Trainer) Load(r io.Reader) error {
	var done func()
	_, _, err := safetensors.ReadInto(r, func(meta map[string]string, tensors []safetensors.Tensor) (err error) {
		done, err = t.restore(meta, tensors)
		return err
	})
	if err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	done()
	return nil
}

// restore checks what a checkpoint says and gives its tensors their places; done
// sets everything else, once they are read.
func (t *Trainer) restore(meta map[string]string, tensors []safetensors.Tensor) (done func(), err error) {
	if f := meta["format"]; f != checkpointFormat {
		return nil, fmt.Errorf("its format is %q, not %q", f, checkpointFormat)
	}
	if o := meta["optimizer"]; o != t.cfg.Optimizer.String() {
		return nil, fmt.Errorf("it was trained with %s, not with %v", o, t.cfg.Optimizer)
	}
	var at cursor
	var bestEpoch int
	for _, f := range []struct {
		key string
		to  *int
	}{{"epoch", &at.done}, {"step", &at.steps}, {"best_epoch", &bestEpoch}} {
		text, ok := meta[f.key]
		if !ok && f.key == "best_epoch" {
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil || v < 0 {
			return nil, fmt.Errorf("its %s is %q", f.key, text)
		}
		*f.to = v
	}
	seed, err := strconv.ParseUint(meta["seed"], 10, 64)
	if err != nil {
		return nil, fmt.Errorf("its seed is %q", meta["seed"])
	}
	seen, scale, err := t.readState(meta["state"], &at)
	if err != nil {
		return nil, fmt.Errorf("its state is %q: %w", meta["state"], err)
	}
	var best snapshot
	if _, ok := meta["best_epoch"]; ok {
		best = snapshot{bestEpoch, make([]float32, len(t.net.params)), make([]float32, len(t.net.stats))}
	}
	want := t.tensors(best)
	if err := match(want, tensors); err != nil {
		return nil, err
	}
	placeTensors(want, tensors)
	return func() {
		t.cursor, t.seen, t.scale, t.cfg.Seed, t.best, t.set = at, seen, scale, seed, best, nil
		if n := t.net; kernel.Has(meta["cpu"]) && n.cfg.Precision != BF16 { // a plan for bfloat16 is of its own
			n.cfg.CPU = meta["cpu"]
			n.level = n.cfg.level()
		}
	}, nil
}

// placeTensors gives the tensors that are about to be read the places of those
// of the same name, of which there is one each.
func placeTensors(to, from []safetensors.Tensor) {
	byName := make(map[string][]float32, len(to))
	for _, x := range to {
		byName[x.Name] = x.Data
	}
	for i := range from {
		from[i].Data = byName[from[i].Name]
	}
}

// readState reads the rest of the metadata; checkpoints from before it have
// none, which is that of a trainer at the end of an epoch.
func (t *Trainer) readState(text string, at *cursor) (optim.PlateauState, scaler, error) {
	seen, scale := optim.PlateauState{}, t.scale
	if text == "" {
		return seen, scale, nil
	}
	s := state{}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return seen, scale, err
	}
	if s.Rows < 0 {
		return seen, scale, fmt.Errorf("%d rows trained", s.Rows)
	}
	at.rows, at.sum, at.weight, at.loss = s.Rows, math.Float64frombits(s.Sum), math.Float64frombits(s.Weight), math.Float64frombits(s.Loss)
	if s.Plateau != nil {
		seen = *s.Plateau
	}
	if s.LossScale != nil && t.cfg.LossScale != nil {
		scale = *s.LossScale
		if !(scale.Scale > 0 && scale.Scale <= math.MaxFloat32) || scale.Good < 0 {
			return seen, scale, fmt.Errorf("loss scale %v after %d good steps", scale.Scale, scale.Good)
		}
	}
	return seen, scale, nil
}

// match reports whether two lists hold the same names and shapes.
func match(want, got []safetensors.Tensor) error {
	shapes := make(map[string][]int, len(got))
	for _, x := range got {
		shapes[x.Name] = x.Shape
	}
	for _, x := range want {
		s, ok := shapes[x.Name]
		if !ok {
			return fmt.Errorf("it has no tensor %q: it belongs to another network or configuration", x.Name)
		}
		if !slices.Equal(s, x.Shape) {
			return fmt.Errorf("tensor %q has shape %v, the network's has %v", x.Name, s, x.Shape)
		}
		delete(shapes, x.Name)
	}
	for _, x := range got {
		if _, ok := shapes[x.Name]; ok {
			return fmt.Errorf("tensor %q is not of this network or configuration", x.Name)
		}
	}
	return nil
}
