package network

import (
	"budwood/data"
	"budwood/engine"
	"budwood/engine/quant"
)

// Net is a trained network: an [engine.Net], or one in [Integers].
type Net interface {
	In() data.Shape
	Out() data.Shape
	Predict(x, out []float32) error
	// EvaluateTo is [engine.Net.EvaluateTo].
	EvaluateTo(outputs []float32, s *data.Set) (engine.Score, error)
}

// Integers is a network that computes in integers of 8 bits.
type Integers struct {
	*quant.Net
	Of *engine.Net // that it was made of, in float32
}

// EvaluateTo scores the network by the loss of the one that it was made of.
func (n Integers) EvaluateTo(outputs []float32, s *data.Set) (engine.Score, error) {
	y, err := n.Outputs(s)
	if err != nil {
		return engine.Score{}, err
	}
	copy(outputs, y)
	return n.Of.ScoreOf(y, s)
}

// predictor is what predicts the rows of others with a trained network: the fastest form
// of it.
func predictor(n Net) (Predictor, error) {
	f, ok := n.(*engine.Net)
	if !ok {
		return n, nil
	}
	i, err := f.Inference()
	return shaped{i, f.Out()}, err
}

// shaped is an inference that knows its outputs.
type shaped struct {
	*engine.Inference
	out data.Shape
}

// Out is the shape of a row of the output.
func (s shaped) Out() data.Shape { return s.out }
