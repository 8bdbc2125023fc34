package quant

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"budwood/data"
	"budwood/engine"
)

// mnist are the networks of examples/mnist, by name.
var mnist = map[string]engine.Seq{
	"mlp": {engine.Dense{Out: 256}, engine.ReLU{}, engine.Dense{Out: 128}, engine.ReLU{}, engine.Dense{Out: 10}},
	"cnn": {engine.Conv{Out: 16}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Conv{Out: 32}, engine.BatchNorm{}, engine.ReLU{}, engine.MaxPool{}, engine.Flatten{}, engine.Dense{Out: 10}},
}

// BenchmarkAgainstFloat compares the network in integers with the one in float32, by
// turns: microseconds a row of both, the fastest tenth of many short turns.
func BenchmarkAgainstFloat(b *testing.B) {
	for name, layer := range mnist {
		n, s := compiled(b, layer, data.Shape{28, 28, 1}, 1)
		q, err := Quantize(n, s, Options{})
		if err != nil {
			b.Fatal(err)
		}
		for _, rows := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/%d", name, rows), func(b *testing.B) {
				x := s.X[:rows*s.Shape.Size()]
				out := make([]float32, rows*10)
				times := [2][]time.Duration{}
				for range b.N {
					for i, p := range []predictor{n, q} {
						start := time.Now()
						for range 64 / rows {
							if err := p.Predict(x, out); err != nil {
								b.Fatal(err)
							}
						}
						times[i] = append(times[i], time.Since(start))
					}
				}
				var us [2]float64
				for i, t := range times {
					slices.Sort(t)
					us[i] = t[len(t)/10].Seconds() / 64 * 1e6
				}
				b.ReportMetric(us[0], "f32-µs/row")
				b.ReportMetric(us[1], "int8-µs/row")
				b.ReportMetric(us[0]/us[1], "×")
			})
		}
	}
}
