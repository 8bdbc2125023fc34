package learn_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"budwood/learn"
	"budwood/search"
	"budwood/trials"
	"budwood/trials/blob"
)

// slope fits y = w x by gradient descent, an epoch a step.
type slope struct {
	rate float64
	W    float64 `json:"w"`
	Best float64 `json:"best"`
}

var points = [][2]float64{{1, 2}, {2, 4}, {3, 6}}

func (s *slope) Epoch() error {
	for _, p := range points {
		s.W += s.rate * (p[1] - s.W*p[0]) * p[0]
	}
	return nil
}

func (s *slope) Score() (search.Metrics, error) {
	var sum float64
	for _, p := range points {
		sum += (p[1] - s.W*p[0]) * (p[1] - s.W*p[0])
	}
	return search.Metrics{"valid_loss": sum}, nil
}

func (s *slope) KeepBest()              { s.Best = s.W }
func (s *slope) Size() search.Metrics   { return search.Metrics{"params": 1} }
func (s *slope) Save(w io.Writer) error { return json.NewEncoder(w).Encode(s) }
func (s *slope) Load(r io.Reader) error { return json.NewDecoder(r).Decode(s) }

// A model of one's own is trained by the runner that trains networks.
func ExampleTrain() {
	train := learn.Train(func(_ context.Context, t *trials.Trial) (learn.Learner, error) {
		return &slope{rate: t.Params["rate"].(float64)}, nil
	})
	dir, err := os.MkdirTemp("", "learn-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	r := &trials.Runner{Blobs: blob.Dir(dir)}
	out, err := r.Run(context.Background(), trials.Task{
		Study: "lines", Trial: search.Trial{Params: search.Params{"rate": 0.05}}, To: 3, Total: 3,
		Objectives: []search.Objective{{Metric: "valid_loss", Goal: search.Minimize}},
	}, train, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range out.Curve {
		fmt.Printf("epoch %d: %.4f\n", m.Budget, m.Metrics["valid_loss"])
	}
	fmt.Println(out.State)
	// Output:
	// epoch 1: 9.7845
	// epoch 2: 1.7096
	// epoch 3: 0.2987
	// completed
}
