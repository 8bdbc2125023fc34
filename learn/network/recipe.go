package network

import (
	"budwood/data"
	"budwood/engine"
	"budwood/engine/loss"
	"budwood/engine/optim"
	"budwood/search"
)

// Recipe is how a network is trained: the hyperparameters that do not shape the
// network. [RecipeTable] says what each is, with its default and range.
type Recipe struct {
	LR             float64
	Batch          int
	Accumulate     int
	Optimizer      string
	Lookahead      int
	Beta1, Beta2   float64
	WeightDecay    float64
	DecayBias      bool
	Momentum       float64
	Schedule       string
	LRFactor       float64
	LREpochs       int
	Warmup         float64
	ClipNorm       float64
	ClipValue      float64
	EMA            float64
	Precision      string
	LabelSmoothing float64
	ClassWeights   string
	Loss           string
	Flip           bool
	Shift          int
	Cutout         int
	Mixup          float64
	Temperature    float64
	Alpha          float64
}

// ReadRecipe reads the recipe's hyperparameters from params. Those that are
// missing keep their defaults.
func ReadRecipe(p search.Params) (Recipe, error) {
	read := Reader{Params: p, Table: RecipeTable}
	r := Recipe{
		LR: read.Number("lr"), Batch: read.Int("batch"), Accumulate: read.Int("accumulate"),
		Optimizer: read.Choice("optimizer"), Lookahead: read.Int("lookahead"), Beta1: read.Number("beta1"), Beta2: read.Number("beta2"),
		DecayBias: read.Bool("decay_bias"), Schedule: read.Choice("schedule"), LRFactor: read.Number("lr_factor"), LREpochs: read.Int("lr_epochs"),
		Warmup: read.Number("warmup"), ClipNorm: read.Number("clip_norm"), ClipValue: read.Number("clip_value"), EMA: read.Number("ema"),
		Precision: read.Choice("precision"), LabelSmoothing: read.Number("label_smoothing"), ClassWeights: read.Choice("class_weights"), Loss: read.Choice("loss"),
		Flip: read.Choice("flip") == "yes", Shift: read.Int("shift"), Cutout: read.Int("cutout"), Mixup: read.Number("mixup"),
		Temperature: read.Number("temperature"), Alpha: read.Number("alpha"),
		WeightDecay: read.Number("weight_decay"), Momentum: read.Number("momentum"),
	}
	if r.Optimizer == "adamw" && p["weight_decay"] == nil {
		r.WeightDecay = .01
	}
	if r.Optimizer == "rmsprop" && p["momentum"] == nil {
		r.Momentum = 0
	}
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
	return optim.AdamW{Beta1: r.Beta1, Beta2: r.Beta2, WeightDecay: r.WeightDecay, NoDecay: r.WeightDecay == 0}
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
		entropy := loss.CrossEntropy{Smoothing: r.LabelSmoothing}
		if r.ClassWeights == "balanced" {
			entropy.Weights = train.BalancedWeights()
		}
		c.Loss = entropy
		if train.Soft != nil && r.Alpha > 0 {
			c.Loss = loss.Distillation{Temperature: r.Temperature, Alpha: r.Alpha, Classes: entropy}
		}
		return c
	}
	switch r.Loss {
	case "mae":
		c.Loss = loss.MAE{}
	case "huber":
		c.Loss = loss.Huber{}
	default:
		c.Loss = loss.MSE{}
	}
	if train.Soft != nil && r.Alpha > 0 {
		c.Loss = loss.Imitation{Alpha: r.Alpha, Values: c.Loss}
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
