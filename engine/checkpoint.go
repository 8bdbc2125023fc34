package engine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"budwood/engine/internal/plan"
	"budwood/engine/kernel"
	"budwood/engine/mesh"
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
	to := &held{w: w}
	if t.ranks != nil && t.ranks.all.Member() > 0 {
		to.w = io.Discard
	}
	all := t.kept(t.best)
	err = safetensors.WriteFrom(to, meta, tensorsOf(all), func(dst []float32, i, at int) error {
		return t.values(dst, &all[i], at)
	})
	if t.ranks == nil || t.ranks.lost == nil {
		err = t.ranks.agree(cmp.Or(err, to.err))
	}
	if err != nil {
		return fmt.Errorf("save checkpoint: %w", err)
	}
	return nil
}

// held is a writer that keeps its first error and writes nothing after it: the ranks
// go on with what they have begun.
type held struct {
	w   io.Writer
	err error
}

// Write implements [io.Writer].
func (h *held) Write(b []byte) (int, error) {
	if h.err == nil {
		_, h.err = h.w.Write(b)
	}
	return len(b), nil
}

// kept is a tensor of a checkpoint, a part of a vector.
type kept struct {
	safetensors.Tensor           // without Data
	flat               []float32 // the vector, or, if that is as long as the parameters, the own pieces of it
	at                 int       // where the tensor begins in the vector
	pieces             bool      // the ranks have pieces of the vector
	param              *plan.Param
	stage              int // that has it, of ranks with a stage each
}

// kept lists everything a checkpoint holds, in the order of the file; best
// may have no params.
func (t *Trainer) kept(best snapshot) (list []kept) {
	add := func(prefix string, ps []located, flat []float32, pieces bool) {
		for _, p := range ps {
			list = append(list, kept{safetensors.Tensor{Name: prefix + p.Name, Shape: p.WholeShape()}, flat, p.At, pieces, p.Param, p.stage})
		}
	}
	params, stats := t.net.everywhere()
	n, pieces := t.net, t.cfg.Mesh.Zero > 0 && t.ranks != nil
	if t.master != nil {
		add("", params, t.master, true)
	} else {
		add("", params, n.params, false)
	}
	add("", stats, n.stats, false)
	if best.params != nil {
		add("best.", params, best.params, pieces)
		add("best.", stats, best.stats, false)
	}
	if t.average != nil {
		add("average.", params, t.average, pieces)
	}
	for i, slot := range t.cfg.Optimizer.Slots() {
		add("optimizer."+slot+".", params, t.slots[i], pieces)
	}
	return list
}

func tensorsOf(list []kept) (out []safetensors.Tensor) {
	for _, k := range list {
		out = append(out, k.Tensor)
	}
	return out
}

// values sets dst to those of a tensor from number at on. With other ranks it is for
// rank 0 alone; these give theirs.
func (t *Trainer) values(dst []float32, k *kept, at int) error {
	if t.net.stage != nil {
		return t.ofStages(dst, k, at)
	}
	return t.stageValues(dst, k, at)
}

// stageValues sets dst to those of a tensor of the own stage, or the only one, for its
// first rank; the others give theirs.
func (t *Trainer) stageValues(dst []float32, k *kept, at int) error {
	if t.net.link != nil {
		return t.ofParts(dst, k, at)
	}
	return t.ownValues(dst, k, at)
}

// ownValues sets dst to those of the own part of a tensor. With other ranks of the part
// it is for the first of them alone; these give theirs.
func (t *Trainer) ownValues(dst []float32, k *kept, at int) error {
	from := k.at + at
	if !k.pieces {
		copy(dst, k.flat[from:])
		return nil
	}
	for i := range t.units {
		u := &t.units[i]
		for rank := range t.ranks.floats.Size() {
			p := t.ranks.pieceOf(u, rank)
			if lo, hi := max(p.lo, from), min(p.hi, from+len(dst)); lo < hi {
				var own []float32
				if rank == t.ranks.floats.Member() {
					own = u.ownOf(k.flat)[lo-u.own.lo:]
				}
				if err := t.ranks.collect(dst[lo-from:hi-from], own, t.ranks.peers[0], t.ranks.peers[rank]); err != nil {
					return t.ranks.fail(err)
				}
			}
		}
	}
	return nil
}

// collect sets dst, at rank root, to what a rank has, where that is own. Each piece is
// asked for, so that none waits in memory.
func (r *ranks) collect(dst, own []float32, root, rank int) error {
	me, other := r.link.Rank(), rank
	if me == rank {
		other = root
	}
	if me == root || me == rank {
		r.calls[other]++
	}
	ask := mesh.Mark{Tag: mesh.Tag(0, "checkpoint"), Call: r.calls[other]}
	give := ask
	give.Size = uint64(4 * len(dst))
	switch {
	case rank == root:
		copy(dst, own)
	case me == root:
		if err := r.link.Send(rank, ask, nil); err != nil {
			return err
		}
		return r.link.Recv(rank, give, mesh.Bytes(dst))
	case me == rank:
		if err := r.link.Recv(root, ask, nil); err != nil {
			return err
		}
		return r.link.Send(root, give, mesh.Bytes(own[:len(dst)]))
	}
	return nil
}

// Load reads a checkpoint of a trainer of the same network and configuration.
// The seed comes from the checkpoint too, and the instruction set if this machine
// has it, so that training goes on with the same numbers: see [Net.CPU]. Values are
// read to where they belong: there is no second copy of them. On an error nothing
// has changed, but if a reader fails that has no method Len to tell what it holds.
// Of several ranks each reads the whole file: it does not matter how many there were
// when it was written.
func (t *Trainer) Load(r io.Reader) error {
	var done func()
	var all []*kept // in the order of the file
	err := safetensors.ReadTo(r, func(meta map[string]string, tensors []safetensors.Tensor) (err error) {
		all, done, err = t.restore(meta, tensors)
		return err
	}, func(values []float32, i, at int) { t.take(all[i], values, at) })
	if err = t.ranks.agree(err); err != nil {
		return fmt.Errorf("load checkpoint: %w", err)
	}
	done()
	return nil
}

// take takes in what this rank keeps of values, which begin at number at of a tensor.
func (t *Trainer) take(k *kept, values []float32, at int) {
	if s := t.net.stage; s != nil && k.stage != s.number {
		return
	}
	if q := k.param.Piece; q != nil {
		from, to := q.Within(q.Part, at, at+len(values))
		own := make([]float32, to-from)
		q.Take(q.Part, own, from, values, at)
		values, at = own, from
	}
	from := k.at + at
	if !k.pieces {
		copy(k.flat[from:], values)
		return
	}
	for i := range t.units {
		u := &t.units[i]
		if lo, hi := max(u.own.lo, from), min(u.own.hi, from+len(values)); lo < hi {
			copy(u.ownOf(k.flat)[lo-u.own.lo:], values[lo-from:hi-from])
		}
	}
}

// restore checks what a checkpoint says and gives its tensors their places; done
// sets everything else, once they are read.
func (t *Trainer) restore(meta map[string]string, tensors []safetensors.Tensor) (places []*kept, done func(), err error) {
	if f := meta["format"]; f != checkpointFormat {
		return nil, nil, fmt.Errorf("its format is %q, not %q", f, checkpointFormat)
	}
	if o := meta["optimizer"]; o != t.cfg.Optimizer.String() {
		return nil, nil, fmt.Errorf("it was trained with %s, not with %v", o, t.cfg.Optimizer)
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
			return nil, nil, fmt.Errorf("its %s is %q", f.key, text)
		}
		*f.to = v
	}
	seed, err := strconv.ParseUint(meta["seed"], 10, 64)
	if err != nil {
		return nil, nil, fmt.Errorf("its seed is %q", meta["seed"])
	}
	seen, scale, err := t.readState(meta["state"], &at)
	if err != nil {
		return nil, nil, fmt.Errorf("its state is %q: %w", meta["state"], err)
	}
	var best snapshot
	if _, ok := meta["best_epoch"]; ok {
		best = snapshot{bestEpoch, make([]float32, t.size), make([]float32, len(t.net.stats))}
	}
	want := t.kept(best)
	if err := match(tensorsOf(want), tensors); err != nil {
		return nil, nil, err
	}
	byName := make(map[string]*kept, len(want))
	for i := range want {
		byName[want[i].Name] = &want[i]
	}
	for _, x := range tensors {
		places = append(places, byName[x.Name])
	}
	return places, func() {
		t.cursor, t.seen, t.scale, t.cfg.Seed, t.best, t.set = at, seen, scale, seed, best, nil
		if n := t.net; kernel.Has(meta["cpu"]) && n.cfg.Precision != BF16 { // a plan for bfloat16 is of its own
			n.cfg.CPU = meta["cpu"]
			n.level = n.cfg.level()
		}
	}, nil
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
