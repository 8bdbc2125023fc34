package network

import (
	"strings"
	"testing"

	"budwood/data"
	"budwood/engine"
	"budwood/search"
)

// Every choice of a recipe makes a trainer that trains.
func TestRecipesTrain(t *testing.T) {
	classes := &data.Set{Shape: data.Shape{2}, X: []float32{0, 1, 1, 0, 1, 1, 0, 0}, Class: []int32{1, 1, 0, 0}, Classes: 2}
	numbers := &data.Set{Shape: data.Shape{2}, X: classes.X, Target: []float32{1, 1, 0, 0}, Outputs: 1}
	list := []search.Params{
		{}, {"lookahead": 5}, {"decay_bias": false}, {"ema": 0.9}, {"accumulate": 2, "batch": 1}, {"clip_value": 0.1, "clip_norm": 1.}, {"warmup": 0.2},
		{"label_smoothing": 0.1, "class_weights": "balanced"}, {"precision": "bfloat16"}, {"precision": "float16"},
		{"schedule": "restarts", "lr_epochs": 2}, {"schedule": "step", "lr_factor": 0.5}, {"weight_decay": 0.},
	}
	for _, o := range []string{"adamw", "adam", "amsgrad", "sgd", "nesterov", "rmsprop", "adagrad", "adabound"} {
		list = append(list, search.Params{"optimizer": o, "weight_decay": 0.01})
	}
	for _, s := range []string{"cosine", "constant", "step", "exponential", "restarts", "one_cycle", "plateau"} {
		list = append(list, search.Params{"schedule": s})
	}
	for _, l := range []string{"mse", "mae", "huber"} {
		list = append(list, search.Params{"loss": l})
	}
	for _, p := range list {
		for _, set := range []*data.Set{classes, numbers} {
			r, err := ReadRecipe(p)
			if err != nil {
				t.Errorf("%v: %v", p, err)
				continue
			}
			net, err := engine.Compile(engine.Seq{engine.Dense{Out: 4}, engine.ReLU{}, engine.Dense{Out: max(set.Classes, set.Outputs)}}, set.Shape, r.network(set, 1))
			if err != nil {
				t.Errorf("%v: %v", p, err)
				continue
			}
			tr, err := engine.NewTrainer(net, r.config(4, 1))
			if err != nil {
				t.Errorf("%v: %v", p, err)
				continue
			}
			for range 4 {
				if _, err := tr.Epoch(set); err != nil {
					t.Errorf("%v: %v", p, err)
				}
			}
			if tr.Steps() == 0 {
				t.Errorf("%v: no step", p)
			}
		}
	}
}

func TestRecipeErrors(t *testing.T) {
	for _, c := range []struct {
		p    search.Params
		want string
	}{
		{search.Params{"optimizer": "rmsprob"}, "did you mean rmsprop?"},
		{search.Params{"schedule": "consine"}, "did you mean cosine?"},
		{search.Params{"optimizer": "nesterov", "momentum": 0.}, "nesterov needs some"},
		{search.Params{"decay_bias": "no"}, "neither true nor false"},
		{search.Params{"lr_factor": 1.5}, "lr_factor: 1.5 is outside"},
		{search.Params{"accumulate": 1.5}, "not a whole number"},
	} {
		if _, err := ReadRecipe(c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v does not say %q", c.p, err, c.want)
		}
	}
	// Every name is read: a value of no possible type is an error.
	for _, name := range Names(RecipeTable) {
		if _, err := ReadRecipe(search.Params{name: []int{}}); err == nil || !strings.HasPrefix(err.Error(), name+":") {
			t.Errorf("%s is not read: %v", name, err)
		}
	}
}
