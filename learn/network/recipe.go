package network

import (
	"fmt"
	"strings"

	"budwood/data"
	"budwood/engine"
	"budwood/engine/optim"
	"budwood/search"
)

// Recipe is how a network is trained: the hyperparameters that do not shape the
// network. Its names in a space are [RecipeNames].
type Recipe struct {
	LR             float64 // learning rate; 0.001 by default
	Batch          int     // rows a step; 64 by default
	Accumulate     int     // batches that make one step; 1 by default
	Optimizer      string  // adamw (default), adam, amsgrad, sgd, nesterov, rmsprop, adagrad, adabound
	Lookahead      int     // steps of the optimizer between those of Lookahead around it; 0 (default): none
	Beta1, Beta2   float64 // of the Adam family; 0.9 and 0.999 by default
	WeightDecay    float64 // 0.01 by default with adamw, else 0
	DecayBias      bool    // whether biases and norms decay too; true by default
	Momentum       float64 // of sgd, nesterov and rmsprop; 0.9 by default, with rmsprop 0
	Schedule       string  // cosine (default), constant, step, exponential, restarts, one_cycle, plateau
	LRFactor       float64 // of step (0.1 by default), exponential (0.95) and plateau (0.1)
	LREpochs       int     // epochs of a step (a third of all by default), of the first cosine of restarts (10), of patience (10)
	Warmup         float64 // share of the epochs with a rising learning rate; 0 by default
	ClipNorm       float64 // of the gradient; 0 (default): none
	ClipValue      float64 // limit of each number of the gradient; 0 (default): none
	EMA            float64 // β of a moving average of the weights; 0 (default): none
	Precision      string  // of products: float32 (default), bfloat16, float16
	LabelSmoothing float64 // of classes; 0 by default
	ClassWeights   string  // none (default), balanced: each class counts the same
	Loss           string  // of numbers: mse (default), mae, huber
	Flip           bool    // images: every other one is mirrored; "no" by default
	Shift          int     // images: each moves by up to so many pixels, anew each epoch; 0 by default
	Cutout         int     // images: side of a square that is cut out; 0 by default
	Mixup          float64 // α of mixup; 0 by default
}

// RecipeNames are the names of a recipe's hyperparameters.
var RecipeNames = []string{
	"lr", "batch", "optimizer", "weight_decay", "momentum", "schedule", "warmup", "clip_norm", "flip", "shift", "cutout", "mixup",
	"accumulate", "lookahead", "beta1", "beta2", "decay_bias", "lr_factor", "lr_epochs", "clip_value", "ema", "precision",
	"label_smoothing", "class_weights", "loss",
}

// ReadRecipe reads the recipe's hyperparameters from params; what is not there
// keeps its default.
func ReadRecipe(p search.Params) (Recipe, error) {
	var read Reader
	r := Recipe{
		LR:             read.Number(p, "lr", 1e-3, 1e-12, 1e3),
		Batch:          read.Int(p, "batch", 64, 1, 1<<20),
		Accumulate:     read.Int(p, "accumulate", 1, 1, 1<<20),
		Optimizer:      read.Choice(p, "optimizer", "adamw", "adamw", "adam", "amsgrad", "sgd", "nesterov", "rmsprop", "adagrad", "adabound"),
		Lookahead:      read.Int(p, "lookahead", 0, 0, 1<<20),
		Beta1:          read.Number(p, "beta1", .9, 1e-6, .999999),
		Beta2:          read.Number(p, "beta2", .999, 1e-6, .9999999),
		DecayBias:      read.Bool(p, "decay_bias", true),
		Schedule:       read.Choice(p, "schedule", "cosine", "cosine", "constant", "step", "exponential", "restarts", "one_cycle", "plateau"),
		LRFactor:       read.Number(p, "lr_factor", 0, 1e-9, .999999),
		LREpochs:       read.Int(p, "lr_epochs", 0, 1, 1<<20),
		Warmup:         read.Number(p, "warmup", 0, 0, .999),
		ClipNorm:       read.Number(p, "clip_norm", 0, 0, 1e9),
		ClipValue:      read.Number(p, "clip_value", 0, 0, 1e9),
		EMA:            read.Number(p, "ema", 0, 0, .999999),
		Precision:      read.Choice(p, "precision", "float32", "float32", "bfloat16", "float16"),
		LabelSmoothing: read.Number(p, "label_smoothing", 0, 0, .999),
		ClassWeights:   read.Choice(p, "class_weights", "none", "none", "balanced"),
		Loss:           read.Choice(p, "loss", "mse", "mse", "mae", "huber"),
		Flip:           read.Choice(p, "flip", "no", "no", "yes") == "yes",
		Shift:          read.Int(p, "shift", 0, 0, 1<<10),
		Cutout:         read.Int(p, "cutout", 0, 0, 1<<10),
		Mixup:          read.Number(p, "mixup", 0, 0, 4),
	}
	decay, momentum := 0., .9
	switch r.Optimizer {
	case "adamw":
		decay = .01
	case "rmsprop":
		momentum = 0
	}
	r.WeightDecay = read.Number(p, "weight_decay", decay, 0, 1e3)
	r.Momentum = read.Number(p, "momentum", momentum, 0, .999999)
	if r.Optimizer == "nesterov" && r.Momentum == 0 {
		read.fail("momentum: 0 is none, and nesterov needs some")
	}
	return r, read.Err
}

// config is the recipe for the trainer of one candidate.
func (r Recipe) config(epochs int, seed uint64) engine.TrainConfig {
	c := engine.TrainConfig{
		Optimizer: r.optimizer(), Schedule: r.schedule(), Epochs: epochs, Seed: seed,
		ClipNorm: r.ClipNorm, ClipValue: r.ClipValue, Accumulate: r.Accumulate, EMA: r.EMA, Mixup: r.Mixup,
	}
	if a := (data.Augmentation{Flip: r.Flip, Crop: r.Shift, Cutout: r.Cutout}); a != (data.Augmentation{}) {
		c.Augment = a
	}
	if r.Lookahead > 0 {
		c.Optimizer = optim.Lookahead{Fast: c.Optimizer, K: r.Lookahead}
	}
	if r.Warmup > 0 {
		c.Schedule = optim.Warmup{Then: c.Schedule, Share: r.Warmup}
	}
	if !r.DecayBias {
		c.Groups = []engine.Group{{Vectors: true, NoDecay: true}}
	}
	return c
}

func (r Recipe) optimizer() optim.Optimizer {
	switch r.Optimizer {
	case "sgd", "nesterov":
		return optim.SGD{Momentum: r.Momentum, Nesterov: r.Optimizer == "nesterov", WeightDecay: r.WeightDecay}
	case "adam", "amsgrad":
		return optim.Adam{Beta1: r.Beta1, Beta2: r.Beta2, WeightDecay: r.WeightDecay, AMSGrad: r.Optimizer == "amsgrad"}
	case "rmsprop":
		return optim.RMSprop{Momentum: r.Momentum, WeightDecay: r.WeightDecay}
	case "adagrad":
		return optim.AdaGrad{WeightDecay: r.WeightDecay}
	case "adabound":
		return optim.AdaBound{Beta1: r.Beta1, Beta2: r.Beta2, Base: r.LR, WeightDecay: r.WeightDecay}
	}
	decay := r.WeightDecay
	if decay == 0 {
		decay = -1 // none; the engine takes 0 for its default
	}
	return optim.AdamW{Beta1: r.Beta1, Beta2: r.Beta2, WeightDecay: decay}
}

func (r Recipe) schedule() optim.Schedule {
	switch r.Schedule {
	case "constant":
		return optim.Constant{LR: r.LR}
	case "step":
		return optim.StepDecay{LR: r.LR, Every: r.LREpochs, Factor: r.LRFactor}
	case "exponential":
		return optim.Exponential{LR: r.LR, Factor: r.LRFactor}
	case "restarts":
		return optim.WarmRestarts{LR: r.LR, First: r.LREpochs}
	case "one_cycle":
		return optim.OneCycle{LR: r.LR}
	case "plateau":
		return optim.Plateau{Then: optim.Constant{LR: r.LR}, Factor: r.LRFactor, Patience: r.LREpochs}
	}
	return optim.CosineDecay{LR: r.LR}
}

// network is the recipe for the compilation of one candidate, for a training set.
func (r Recipe) network(train *data.Set, seed uint64) engine.Config {
	c := r.compiled(train.Len(), seed)
	if train.Classes > 0 {
		loss := engine.CrossEntropy{Smoothing: r.LabelSmoothing}
		if r.ClassWeights == "balanced" {
			loss.Weights = train.BalancedWeights()
		}
		c.Loss = loss
		return c
	}
	switch r.Loss {
	case "mae":
		c.Loss = engine.MAE{}
	case "huber":
		c.Loss = engine.Huber{}
	default:
		c.Loss = engine.MSE{}
	}
	return c
}

// compiled is the part of network that shapes what is compiled.
func (r Recipe) compiled(rows int, seed uint64) engine.Config {
	c := engine.Config{Batch: min(r.Batch, rows), Seed: seed}
	switch r.Precision {
	case "bfloat16":
		c.Precision = engine.BF16
	case "float16":
		c.Precision = engine.FP16
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
		r.fail("%s: %s is not a number", name, search.FormatExact(v))
	case !(x >= lo && x <= hi):
		r.fail("%s: %s is outside [%s, %s]", name, search.FormatExact(x), search.FormatExact(lo), search.FormatExact(hi))
	default:
		return x
	}
	return def
}

// Int reads a whole number in [lo, hi], or returns def if p has none.
func (r *Reader) Int(p search.Params, name string, def, lo, hi int) int {
	x := r.Number(p, name, float64(def), float64(lo), float64(hi))
	if x != float64(int(x)) {
		r.fail("%s: %s is not a whole number", name, search.FormatExact(x))
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
	written := search.Brief(fmt.Sprint(v), 60)
	if written == "" {
		written = `""`
	}
	r.fail("%s: %s is none of %s%s", name, written, strings.Join(options, ", "), meant(written, options))
	return def
}

// meant suggests the option that was meant, if one is near.
func meant(written string, options []string) string {
	if near := search.Nearest(written, options, 1); len(near) > 0 {
		return fmt.Sprintf(": did you mean %s?", near[0])
	}
	return ""
}

// Bool reads true or false, or returns def if p has none.
func (r *Reader) Bool(p search.Params, name string, def bool) bool {
	switch v := p[name].(type) {
	case nil:
	case bool:
		return v
	default:
		r.fail("%s: %s is neither true nor false", name, search.FormatExact(v))
	}
	return def
}
