package network

import (
	"math"

	"budwood/data"
	"budwood/engine"
)

// Prediction is what a network says of a row.
type Prediction struct {
	File          string    `json:"file,omitempty"`          // images: the file
	Error         string    `json:"error,omitempty"`         // images: why it cannot be read; there is nothing else then
	Class         string    `json:"class,omitempty"`         // classification: the likeliest one
	Probabilities []float64 `json:"probabilities,omitempty"` // classification: by class, in the order of Data.ClassNames
	Value         *float64  `json:"value,omitempty"`         // regression, in the target's own unit
}

// Predict applies a trained network to the rows of a set.
func (s Supervised) Predict(net Net, rows *data.Set) ([]Prediction, error) {
	if n, ok := net.(*engine.Net); ok {
		n.Borrow(s.Mesh.Idle, 0)
	}
	w := net.Out().Size()
	y := make([]float32, rows.Len()*w)
	f, err := predictor(net)
	if err != nil {
		return nil, err
	}
	if err := predict(f, rows, y); err != nil {
		return nil, err
	}
	return s.predicted(y, w), nil
}

// atOnce is how many rows are read from a file before they are computed.
const atOnce = 1024

// predict computes the outputs of rows that are in memory or in a file.
func predict(f Predictor, rows *data.Set, y []float32) error {
	if rows.Rows == nil {
		return f.Predict(rows.X, y)
	}
	in, out := rows.Shape.Size(), len(y)/rows.Len()
	x := make([]float32, min(atOnce, rows.Len())*in)
	for lo := 0; lo < rows.Len(); lo += atOnce {
		n := min(atOnce, rows.Len()-lo)
		rows.Read(x[:n*in], lo)
		if err := f.Predict(x[:n*in], y[lo*out:(lo+n)*out]); err != nil {
			return err
		}
	}
	return nil
}

// softmax turns the outputs of a row into probabilities.
func softmax(y []float32) []float64 {
	top := y[0]
	for _, v := range y {
		top = max(top, v)
	}
	p, sum := make([]float64, len(y)), 0.
	for k, v := range y {
		p[k] = math.Exp(float64(v - top))
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}
