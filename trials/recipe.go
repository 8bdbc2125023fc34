package trials

import (
	"fmt"

	"budwood/engine"
	"budwood/engine/data"
	"budwood/search"
)

// Recipe is how a network is trained: the hyperparameters that do not shape the
// network. Its names in a space are [RecipeNames].
type Recipe struct {
	LR          float64 // learning rate; 0.001 by default
	Batch       int     // rows a step; 64 by default
	Optimizer   string  // adamw (default), adam, sgd
	WeightDecay float64 // 0.01 by default with adamw, else 0
	Momentum    float64 // of sgd; 0.9 by default
	Schedule    string  // cosine (default), constant
	Warmup      float64 // share of the epochs with a rising learning rate; 0 by default
	ClipNorm    float64 // of the gradient; 0 (default): none
	Flip        bool    // images: every other one is mirrored; "no" by default
	Shift       int     // images: each moves by up to so many pixels, anew each epoch; 0 by default
	Cutout      int     // images: side of a square that is cut out; 0 by default
	Mixup       float64 // α of mixup; 0 by default
}

// RecipeNames are the names of a recipe's hyperparameters.
var RecipeNames = []string{"lr", "batch", "optimizer", "weight_decay", "momentum", "schedule", "warmup", "clip_norm", "flip", "shift", "cutout", "mixup"}

// ReadRecipe reads the recipe's hyperparameters from params; what is not there
// keeps its default.
func ReadRecipe(p search.Params) (Recipe, error) {
	r := Recipe{LR: 1e-3, Batch: 64, Optimizer: "adamw", Momentum: .9, Schedule: "cosine"}
	var read Reader
	r.Optimizer = read.Choice(p, "optimizer", r.Optimizer, "adamw", "adam", "sgd")
	if r.Optimizer == "adamw" {
		r.WeightDecay = .01
	}
	r.LR = read.Number(p, "lr", r.LR, 1e-12, 1e3)
	r.Batch = read.Int(p, "batch", r.Batch, 1, 1<<20)
	r.WeightDecay = read.Number(p, "weight_decay", r.WeightDecay, 0, 1e3)
	r.Momentum = read.Number(p, "momentum", r.Momentum, 0, 1)
	r.Schedule = read.Choice(p, "schedule", r.Schedule, "cosine", "constant")
	r.Warmup = read.Number(p, "warmup", 0, 0, 1)
	r.ClipNorm = read.Number(p, "clip_norm", 0, 0, 1e9)
	r.Flip = read.Choice(p, "flip", "no", "no", "yes") == "yes"
	r.Shift = read.Int(p, "shift", 0, 0, 1<<10)
	r.Cutout = read.Int(p, "cutout", 0, 0, 1<<10)
	r.Mixup = read.Number(p, "mixup", 0, 0, 4)
	return r, read.Err
}

func (r Recipe) config(epochs int, seed uint64) engine.TrainConfig {
	c := engine.TrainConfig{Epochs: epochs, ClipNorm: r.ClipNorm, Mixup: r.Mixup, Seed: seed}
	if a := (data.Augmentation{Flip: r.Flip, Crop: r.Shift, Cutout: r.Cutout}); a != (data.Augmentation{}) {
		c.Augment = a
	}
	switch r.Optimizer {
	case "sgd":
		c.Optimizer = engine.SGD{Momentum: r.Momentum, WeightDecay: r.WeightDecay}
	case "adam":
		c.Optimizer = engine.Adam{WeightDecay: r.WeightDecay}
	default:
		if r.WeightDecay == 0 {
			r.WeightDecay = -1 // none; the engine takes 0 for its default
		}
		c.Optimizer = engine.AdamW{WeightDecay: r.WeightDecay}
	}
	c.Schedule = engine.CosineDecay{LR: r.LR}
	if r.Schedule == "constant" {
		c.Schedule = engine.Constant{LR: r.LR}
	}
	if r.Warmup > 0 {
		c.Schedule = engine.Warmup{Then: c.Schedule, Share: r.Warmup}
	}
	return c
}

// Reader reads hyperparameters from params and keeps the first error.
type Reader struct{ Err error }

func (r *Reader) fail(format string, args ...any) {
	if r.Err == nil {
		r.Err = fmt.Errorf(format, args...)
	}
}

// Number reads a number in [lo, hi], or returns def if p has none.
func (r *Reader) Number(p search.Params, name string, def, lo, hi float64) float64 {
	v := p[name]
	x, ok := v.(float64)
	if i, isInt := v.(int); isInt {
		x, ok = float64(i), true
	}
	switch {
	case v == nil:
		return def
	case !ok:
		r.fail("%s: %v is not a number", name, v)
	case !(x >= lo && x <= hi):
		r.fail("%s: %v is outside [%v, %v]", name, x, lo, hi)
	default:
		return x
	}
	return def
}

// Int reads a whole number in [lo, hi], or returns def if p has none.
func (r *Reader) Int(p search.Params, name string, def, lo, hi int) int {
	x := r.Number(p, name, float64(def), float64(lo), float64(hi))
	if x != float64(int(x)) {
		r.fail("%s: %v is not a whole number", name, x)
	}
	return int(x)
}

// Choice reads one of the given texts, or returns def if p has none.
func (r *Reader) Choice(p search.Params, name, def string, options ...string) string {
	v := p[name]
	if v == nil {
		return def
	}
	for _, o := range options {
		if v == o {
			return o
		}
	}
	r.fail("%s: %v is none of %v", name, v, options)
	return def
}
