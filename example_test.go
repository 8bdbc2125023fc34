package budwood_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"budwood"
	"budwood/search"
)

// A study on goroutines, without a server: with a branch of the space, a trial that
// is tried first, and the table of what came of it.
func ExampleStudy_Local() {
	home, err := os.MkdirTemp("", "budwood")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(home)
	lr := search.LogFloat("lr", 1e-4, 1)
	momentum := search.Float("momentum", 0, .99)
	opt := search.Choice("opt", "adam", "sgd").When("sgd", momentum)
	study := budwood.Study{Name: "example", Space: search.Space{lr, opt}, Trials: 20, Epochs: 9, Seed: 7, Parallel: 1, Home: home,
		StartWith: []search.Params{{"lr": .1, "opt": "sgd"}}} // a momentum is drawn
	res, err := study.Local(context.Background(), func(ctx context.Context, t *budwood.Trial) error {
		far := math.Abs(math.Log10(lr.In(t)) + 2) // the best rate is 0.01
		for epoch := range t.Epochs() {
			t.Report(far + 1/float64(epoch))
		}
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	best := res.Best.Params
	fmt.Println(res.State, len(res.Trials), math.Abs(math.Log10(lr.In(best))+2) < .5)
	fmt.Println(res.Trials[0].Source, lr.In(res.Trials[0].Params), opt.In(res.Trials[0].Params))

	again, err := budwood.Load(context.Background(), home, "example") // any time later
	fmt.Println(again.Best.Name() == res.Best.Name(), err)
	// Output:
	// completed 20 true
	// start_with 0.1 sgd
	// true <nil>
}

// Two objectives: the trials that no other beats in both.
func ExampleResult_Front() {
	objectives := []search.Objective{{Metric: "accuracy", Goal: search.Maximize}, {Metric: "params", Goal: search.Minimize}}
	r := budwood.Result{Objectives: objectives}
	for i, m := range []search.Metrics{{"accuracy": .9, "params": 1e5}, {"accuracy": .8, "params": 1e5}, {"accuracy": .7, "params": 1e3}} {
		r.Trials = append(r.Trials, search.Record{Trial: search.Trial{ID: i}, State: search.Completed, Measurements: []search.Measurement{{Budget: 1, Metrics: m}}})
	}
	for _, t := range r.Front() {
		fmt.Println(t.Name())
	}
	// Output:
	// t0000
	// t0002
}

// The trials as a table for other programs.
func ExampleResult_WriteCSV() {
	r := budwood.Result{Trials: []search.Record{
		{Trial: search.Trial{ID: 0, Params: search.Params{"opt": "sgd", "momentum": .9}, Source: "start_with"}, State: search.Completed, Joules: 3.6, Seconds: .5,
			Measurements: []search.Measurement{{Budget: 9, Metrics: search.Metrics{"loss": .123456}}}},
		{Trial: search.Trial{ID: 1, Params: search.Params{"opt": "adam"}, Source: "auto"}, State: search.Failed, Reason: "out of memory"},
	}}
	if err := r.WriteCSV(os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// trial,state,epochs,loss,joules,seconds,source,version,set_aside,params_momentum,params_opt,reason
	// 0,completed,9,0.123456,3.6,0.5,start_with,,,0.9,sgd,
	// 1,failed,0,,0,0,auto,,,,adam,out of memory
}
