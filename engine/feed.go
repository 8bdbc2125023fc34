package engine

import (
	"fmt"
	"math"
	"math/rand/v2"

	"budwood/data"
	"budwood/engine/loss"
)

// Augmenter changes training rows as they are gathered into batches; the set
// stays as it is. See package data for one that knows images.
type Augmenter interface {
	// Fits reports whether rows of a shape can be augmented.
	Fits(in data.Shape) error
	// Augment changes the copy x of a row, of shape in. Its random choices come
	// from r, which depends on the trainer's seed, the epoch and the number of the
	// row alone. It is called from one goroutine at a time.
	Augment(x []float32, in data.Shape, r *rand.Rand)
}

// maxMixup is the largest α of mixup: the sampler of its Beta distribution would
// reject nearly everything beyond.
const maxMixup = 4

// batch is room for the inputs and targets of some rows.
type batch struct {
	x []float32 // nil: for the targets alone
	loss.Targets
}

// newBatch makes room for the rows of a batch beside the arena.
func (n *Net) newBatch() *batch {
	own := n.batch
	return &batch{make([]float32, n.cfg.Batch*n.in.Size()), loss.Targets{
		Class: make([]int32, len(own.Class)), Value: make([]float32, len(own.Value)), Soft: make([]float32, len(own.Soft)),
	}}
}

// gather copies rows of the set into the input block, and their targets.
func (n *Net) gather(s *data.Set, order []int32) loss.Targets {
	return (&batch{n.x.Data.Floats, n.batch}).fill(s, order, n.out.Size())
}

// fill copies rows of the set and returns their targets. out is the number of
// the network's outputs for a row.
func (b *batch) fill(s *data.Set, order []int32, out int) loss.Targets {
	in, w, k := s.Shape.Size(), s.Outputs, s.Labels()
	t := b.Targets
	if s.Soft == nil {
		t.Soft = nil
	}
	for i, r := range order {
		if b.x != nil {
			s.Read(b.x[i*in:(i+1)*in], int(r))
		}
		if s.Classes > 0 {
			copy(t.Class[i*k:(i+1)*k], s.Class[int(r)*k:(int(r)+1)*k])
		} else {
			copy(t.Value[i*w:(i+1)*w], s.Target[int(r)*w:(int(r)+1)*w])
		}
		if t.Soft != nil {
			copy(t.Soft[i*out:(i+1)*out], s.Soft[int(r)*out:(int(r)+1)*out])
		}
	}
	t.Class = t.Class[:len(order)*k]
	return t
}

// feeder gathers, augments and mixes the rows of training batches.
type feeder struct {
	seed    uint64
	augment Augmenter
	mixup   float64
	in      data.Shape
	out     int // values
	source  rand.PCG
	rand    *rand.Rand
	first   []float32 // inputs, then targets, of the first row before it is mixed
	partner [2][]int32
	keep    [2][]float32
}

func newFeeder(n *Net, cfg *TrainConfig) (*feeder, error) {
	f := &feeder{seed: cfg.Seed, augment: cfg.Augment, mixup: cfg.Mixup, in: n.in, out: n.out.Size()}
	f.rand = rand.New(&f.source)
	if f.augment != nil {
		if err := f.augment.Fits(n.in); err != nil {
			return nil, fmt.Errorf("augmentation: %w", err)
		}
	}
	if f.mixup == 0 {
		return f, nil
	}
	if !(f.mixup > 0 && f.mixup <= maxMixup) {
		return nil, fmt.Errorf("mixup %v is outside [0, %d]", f.mixup, maxMixup)
	}
	if n.plan.Vocab > 0 {
		return nil, fmt.Errorf("mixup: the network's input are tokens, which cannot be mixed")
	}
	switch l := n.cfg.Loss.(type) {
	case loss.CrossEntropy:
		if l.Weights != nil {
			return nil, fmt.Errorf("mixup: cross-entropy with class weights has no mixed form; leave out one of them")
		}
	case loss.MSE, loss.MAE, loss.Huber:
	default:
		return nil, fmt.Errorf("mixup: %v has no mixed form; use cross-entropy or a loss of values", l)
	}
	f.first = make([]float32, n.in.Size()+f.out)
	for i := range f.keep {
		f.partner[i], f.keep[i] = make([]int32, len(n.batch.Class)), make([]float32, n.cfg.Batch)
	}
	return f, nil
}

// fill gathers rows of an epoch into a batch, which is number 0 or 1.
func (f *feeder) fill(b *batch, number int, s *data.Set, order []int32, epoch int) loss.Targets {
	t := b.fill(s, order, f.out)
	if f.augment == nil && f.mixup == 0 {
		return t
	}
	size := f.in.Size()
	key := hash(f.seed, forAugment, uint64(epoch))
	for i, row := range order {
		f.source.Seed(key, uint64(row))
		if f.augment != nil {
			f.augment.Augment(b.x[i*size:(i+1)*size], f.in, f.rand)
		}
		if f.mixup > 0 {
			f.keep[number][i] = float32(beta(f.rand, f.mixup))
		}
	}
	if f.mixup > 0 {
		f.mix(b.x, &t, s, len(order), number)
	}
	return t
}

// mix mixes every row with the next one of the batch, the last with the first
// (Zhang et al. 2018): λ·x + (1 − λ)·x', and so the targets, with λ from a Beta
// distribution of each row's own.
func (f *feeder) mix(x []float32, t *loss.Targets, s *data.Set, rows, number int) {
	size, w, k := f.in.Size(), s.Outputs, s.Labels()
	keep := f.keep[number][:rows]
	firstX, firstValue := f.first[:size], f.first[size:size+w]
	copy(firstX, x)
	copy(firstValue, t.Value[:w])
	for i, share := range keep {
		nextX, nextValue := firstX, firstValue
		if i+1 < rows {
			nextX, nextValue = x[(i+1)*size:(i+2)*size], t.Value[(i+1)*w:(i+2)*w]
		}
		lerp(x[i*size:(i+1)*size], nextX, share)
		lerp(t.Value[i*w:(i+1)*w], nextValue, share)
	}
	if s.Classes > 0 {
		t.Partner, t.Keep = f.partner[number][:len(t.Class)], keep
		copy(t.Partner, t.Class[k:])
		copy(t.Partner[len(t.Class)-k:], t.Class[:k])
	}
}

// lerp is a = share·a + (1 − share)·b.
func lerp(a, b []float32, share float32) {
	for i, v := range b[:len(a)] {
		a[i] = v + share*(a[i]-v)
	}
}

// beta draws from the Beta distribution of two equal parameters (Jöhnk 1964):
// U^(1/α) / (U^(1/α) + V^(1/α)), for the first U and V with a sum of at most 1.
func beta(r *rand.Rand, alpha float64) float64 {
	for {
		u, v := math.Log(1-r.Float64())/alpha, math.Log(1-r.Float64())/alpha
		if x, y := math.Exp(u), math.Exp(v); x+y <= 1 {
			return 1 / (1 + math.Exp(v-u)) // also where x and y underflow
		}
	}
}
