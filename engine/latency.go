package engine

import "budwood/data"

// Latency is about how many seconds a network takes on one core of a machine to predict
// so many rows at once; a nil machine is the built-in one. The error is that of [Measure].
func Latency(l Layer, in data.Shape, c Config, rows int, m *Machine) (float64, error) {
	c.Batch = rows
	p, err := newPlanner(l, in, c, TrainConfig{}, m)
	if err != nil {
		return 0, err
	}
	seconds := 0.
	for _, w := range works(p.b, rows) {
		seconds += p.m.seconds(w.forward[0], p.c.Precision) + float64(rows)*p.m.seconds(w.forward[1], p.c.Precision)
	}
	return seconds, nil
}
