package network

import (
	"fmt"
	"strings"

	"budwood/search"
)

// Hyperparameter is a name that a space may search, with all that there is to know
// of it: reading, messages and the table in docs/study.md follow.
type Hyperparameter struct {
	Name    string
	Is      string   // what it is, in a few words
	Default any      // int, float64, string or bool, which is the type of its values
	Varies  string   // what the default is, in words, where it depends on something else
	Lo, Hi  float64  // the range of a number
	Options []string // of a text
}

// Values are the values that it may have, in words.
func (h Hyperparameter) Values() string {
	switch h.Default.(type) {
	case float64:
		return search.FormatExact(h.Lo) + " to " + search.FormatExact(h.Hi)
	case int:
		return "whole, " + search.FormatExact(h.Lo) + " to " + search.FormatExact(h.Hi)
	case bool:
		return "true, false"
	}
	return strings.Join(h.Options, ", ")
}

// Names are the names of a table.
func Names(table []Hyperparameter) []string {
	out := make([]string, len(table))
	for i, h := range table {
		out[i] = h.Name
	}
	return out
}

// RecipeTable are the hyperparameters of a [Recipe].
var RecipeTable = []Hyperparameter{
	{Name: "lr", Is: "learning rate", Default: 1e-3, Lo: 1e-12, Hi: 1e3},
	{Name: "batch", Is: "rows of a batch", Default: 64, Lo: 1, Hi: 1 << 20},
	{Name: "accumulate", Is: "batches that make one step", Default: 1, Lo: 1, Hi: 1 << 20},
	{Name: "optimizer", Is: "how gradients become steps", Default: "adamw", Options: []string{"adamw", "adam", "amsgrad", "sgd", "nesterov", "rmsprop", "adagrad", "adabound"}},
	{Name: "weight_decay", Is: "decay of the weights", Default: 0., Varies: "0.01 with adamw, else 0", Hi: 1e3},
	{Name: "decay_bias", Is: "weight decay acts on biases and norms too", Default: true},
	{Name: "momentum", Is: "momentum of sgd, nesterov and rmsprop", Default: .9, Varies: "0.9, with rmsprop 0", Hi: .999999},
	{Name: "beta1", Is: "Adam family: decay of the mean of the gradients", Default: .9, Lo: 1e-6, Hi: .999999},
	{Name: "beta2", Is: "Adam family: decay of the mean of the squared gradients", Default: .999, Lo: 1e-6, Hi: .9999999},
	{Name: "lookahead", Is: "steps of the optimizer between two steps of Lookahead; 0: no Lookahead", Default: 0, Hi: 1 << 20},
	{Name: "schedule", Is: "how the learning rate changes during training", Default: "cosine", Options: []string{"cosine", "constant", "step", "exponential", "restarts", "one_cycle", "plateau"}},
	{Name: "warmup", Is: "share of the epochs in which the learning rate rises", Default: 0., Hi: .999},
	{Name: "lr_factor", Is: "factor by which step, exponential and plateau change the learning rate", Default: 0., Varies: "0.1, with exponential 0.95", Lo: 1e-9, Hi: .999999},
	{Name: "lr_epochs", Is: "epochs: length of a step, of the first cosine of restarts, or patience of plateau", Default: 0, Varies: "a third of all, with restarts and plateau 10", Lo: 1, Hi: 1 << 20},
	{Name: "clip_norm", Is: "largest norm of the gradient; 0: no limit", Default: 0., Hi: 1e9},
	{Name: "clip_value", Is: "largest absolute value in the gradient; 0: no limit", Default: 0., Hi: 1e9},
	{Name: "ema", Is: "β of a moving average of the weights; 0: no average", Default: 0., Hi: .999999},
	{Name: "precision", Is: "number format of matrix products", Default: "float32", Options: []string{"float32", "bfloat16", "float16"}},
	{Name: "loss", Is: "loss of a regression", Default: "mse", Options: []string{"mse", "mae", "huber"}},
	{Name: "label_smoothing", Is: "label smoothing of a classification", Default: 0., Hi: .999},
	{Name: "class_weights", Is: "weights of the classes in the loss; balanced: each class counts the same", Default: "none", Options: []string{"none", "balanced"}},
	{Name: "flip", Is: "mirror half of the images", Default: "no", Options: []string{"no", "yes"}},
	{Name: "shift", Is: "largest random shift of an image, in pixels; new in each epoch", Default: 0, Hi: 1 << 10},
	{Name: "cutout", Is: "side of the square that is cut out of each image, in pixels", Default: 0, Hi: 1 << 10},
	{Name: "mixup", Is: "α of mixup", Default: 0., Hi: 4},
	{Name: "temperature", Is: "with a `teacher`: by what the outputs of both networks are divided before they are compared; classes only", Default: 2., Lo: .05, Hi: 100},
	{Name: "alpha", Is: "with a `teacher`: the share of the loss that is the difference from it; 0: labels alone", Default: .5, Hi: 1},
}

// Reader reads hyperparameters by their table, and keeps the first error. What the
// params do not have keeps its default.
type Reader struct {
	Params search.Params
	Table  []Hyperparameter
	Err    error
}

func (r *Reader) fail(format string, args ...any) {
	if r.Err == nil {
		r.Err = fmt.Errorf(format, args...)
	}
}

// of is the row of a name, which must be in the table, and the value of the params.
func (r *Reader) of(name string) (Hyperparameter, any) {
	for _, h := range r.Table {
		if h.Name == name {
			return h, r.Params[name]
		}
	}
	panic("there is no hyperparameter " + name)
}

// number reads a number in its range; ok is false if the default counts.
func (r *Reader) number(h Hyperparameter, v any) (x float64, ok bool) {
	x, ok = v.(float64)
	if i, isInt := v.(int); isInt {
		x, ok = float64(i), true
	}
	switch {
	case v == nil:
	case !ok:
		r.fail("%s: %s is not a number", h.Name, search.FormatExact(v))
	case !(x >= h.Lo && x <= h.Hi):
		r.fail("%s: %s is outside [%s, %s]", h.Name, search.FormatExact(x), search.FormatExact(h.Lo), search.FormatExact(h.Hi))
	default:
		return x, true
	}
	return 0, false
}

// Number reads a number.
func (r *Reader) Number(name string) float64 {
	h, v := r.of(name)
	if x, ok := r.number(h, v); ok {
		return x
	}
	return h.Default.(float64)
}

// Int reads a whole number.
func (r *Reader) Int(name string) int {
	h, v := r.of(name)
	x, ok := r.number(h, v)
	if !ok {
		return h.Default.(int)
	}
	if x != float64(int(x)) {
		r.fail("%s: %s is not a whole number", name, search.FormatExact(x))
	}
	return int(x)
}

// Choice reads one of the options.
func (r *Reader) Choice(name string) string {
	h, v := r.of(name)
	if v == nil {
		return h.Default.(string)
	}
	for _, o := range h.Options {
		if v == o {
			return o
		}
	}
	written := search.Brief(fmt.Sprint(v), 60)
	if written == "" {
		written = `""`
	}
	r.fail("%s: %s is none of %s%s", name, written, strings.Join(h.Options, ", "), meant(written, h.Options))
	return h.Default.(string)
}

// meant suggests the option that was meant, if one is near.
func meant(written string, options []string) string {
	if near := search.Nearest(written, options, 1); len(near) > 0 {
		return fmt.Sprintf(": did you mean %s?", near[0])
	}
	return ""
}

// Bool reads true or false.
func (r *Reader) Bool(name string) bool {
	h, v := r.of(name)
	switch v := v.(type) {
	case nil:
	case bool:
		return v
	default:
		r.fail("%s: %s is neither true nor false", name, search.FormatExact(v))
	}
	return h.Default.(bool)
}
