package network

import (
	"maps"
	"math"
	"slices"

	"budwood/data"
	"budwood/search"
)

// scores are metrics over all rows at once: see [Supervised.Scores]. outputs has a row for each class or target.
var scores = map[string]func(outputs []float32, s *data.Set, d *data.Data) float64{
	"balanced_accuracy": func(outputs []float32, s *data.Set, d *data.Data) float64 {
		return data.BalancedAccuracy(data.Argmax(outputs, d.Classes), s.Class, d.Classes)
	},
	"f1": func(outputs []float32, s *data.Set, d *data.Data) float64 {
		return data.F1(data.Argmax(outputs, d.Classes), s.Class, d.Classes)
	},
	"auc": func(outputs []float32, s *data.Set, d *data.Data) float64 {
		if d.Classes != 2 {
			return math.NaN()
		}
		margin := make([]float32, len(outputs)/2)
		for i := range margin {
			margin[i] = outputs[2*i+1] - outputs[2*i]
		}
		return data.AUC(margin, s.Class)
	},
	"mae": func(outputs []float32, s *data.Set, d *data.Data) float64 {
		return data.MAE(outputs, s.Target) * d.TargetScale
	},
}

// ScoreNames are the metrics that [Supervised.Scores] may ask for.
func ScoreNames() []string { return slices.Sorted(maps.Keys(scores)) }

// score adds the metrics that are asked for to those of a set.
func (s Supervised) score(m search.Metrics, prefix string, set *data.Set, outputs []float32) {
	for _, name := range s.Scores {
		m[prefix+name] = scores[name](outputs, set, s.Data)
	}
}

// predictions are the networks' outputs for the rows that they were scored on, and
// these rows, those of all folds one after the other.
func (m *members) predictions() ([]float32, *data.Set) {
	var out []float32
	var all data.Set
	for i, y := range m.outputs {
		set := m.folds[i].Valid
		out = append(out, y...)
		all.Class, all.Target = append(all.Class, set.Class...), append(all.Target, set.Target...)
	}
	return out, &all
}
