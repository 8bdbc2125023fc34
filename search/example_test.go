package search_test

import (
	"encoding/json"
	"fmt"

	"budwood/search"
)

func Example() {
	lr := search.LogFloat("lr", 1e-4, 1)
	momentum := search.Float("momentum", 0, .99)
	opt := search.Choice("opt", "adam", "sgd").When("sgd", momentum)
	space := search.Space{lr, opt}

	p, err := space.Check(search.Params{"lr": .01, "opt": "sgd", "momentum": .9})
	fmt.Println(p, err)
	fmt.Println(lr.In(p), opt.In(p), momentum.In(p))

	_, err = space.Check(search.Params{"lr": .01, "opt": "adam", "momentum": .9})
	fmt.Println(err)
	// Output:
	// lr=0.01 momentum=0.9 opt=sgd <nil>
	// 0.01 sgd 0.9
	// momentum: no such parameter in this branch of the space
}

func ExampleSpace_json() {
	space := search.Space{
		search.LogFloat("lr", 1e-4, 1),
		search.Int("width", 16, 256, search.Log),
		search.Choice("act", "relu", "tanh"),
	}
	b, _ := json.Marshal(space)
	fmt.Println(string(b))
	// Output: [{"name":"lr","float":[0.0001,1],"log":true},{"name":"width","int":[16,256],"log":true},{"name":"act","choice":["relu","tanh"]}]
}

func ExampleSpace_Fill() {
	space := search.Space{
		search.Choice("model", "linear", "mlp").When("mlp", search.Int("layers", 1, 3)),
	}
	for _, u := range []float64{.2, .9} { // the same number for every parameter that is asked for
		fmt.Println(space.Fill(func(d *search.Dim) any { return d.Decode(u) }))
	}
	// Output:
	// model=linear
	// layers=3 model=mlp
}

func ExampleDim_Decode() {
	d := search.Int("width", 16, 256, search.Log).Dim()
	for _, u := range []float64{0, .5, 1} {
		fmt.Println(d.Decode(u))
	}
	// Output:
	// 16
	// 63
	// 256
}

func ExampleRecord_Loss() {
	r := search.Record{Measurements: []search.Measurement{
		{Budget: 1, Metrics: search.Metrics{"accuracy": .7}},
		{Budget: 3, Metrics: search.Metrics{"accuracy": .9}},
	}}
	fmt.Println(r.Loss(search.Objective{Metric: "accuracy", Goal: search.Maximize}))
	// Output: -0.9 true
}
