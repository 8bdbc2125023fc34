package network

import (
	"budwood/engine"
	"budwood/search"
)

// The metrics of what it costs to use a network. They are predictions: see [Clock].
const (
	LatencyUS    = "latency_us"    // microseconds of one row, in batches of 64, on one core
	InferenceMWh = "inference_mwh" // milliwatt-hours of 1,000 rows
	SizeBytes    = "size_bytes"    // of the weights' file
)

// costBatch is the rows of a batch that costs are told for.
const costBatch = 64

// Clock is what predictions of time and energy are made from. A study has one, so that
// all of its trials are judged alike.
type Clock struct {
	Machine *engine.Machine `json:"machine,omitempty"` // nil: the built-in one
	Watts   float64         `json:"watts"`             // of a core
}

// costs are those of a network.
func (c *Clock) costs(net *engine.Net) (search.Metrics, error) {
	seconds, err := engine.Latency(net.Layer(), net.In(), engine.Config{Loss: net.Config().Loss, Precision: net.Config().Precision, CPU: net.Config().CPU}, costBatch, c.Machine)
	if err != nil {
		return nil, err
	}
	var size byteCount
	if err := net.Save(&size, engine.F32); err != nil {
		return nil, err
	}
	return c.told(seconds, int64(size)), nil
}

// costsInIntegers are those of a network in integers.
func (c *Clock) costsInIntegers(net Integers) (search.Metrics, error) {
	seconds, err := net.Latency(costBatch, c.Machine)
	return c.told(seconds, net.Size()), err
}

// told are the costs of a network that takes so many seconds for a batch.
func (c *Clock) told(seconds float64, size int64) search.Metrics {
	row := seconds / costBatch
	return search.Metrics{LatencyUS: 1e6 * row, InferenceMWh: 1e3 * row * c.Watts / 3.6, SizeBytes: float64(size)}
}
