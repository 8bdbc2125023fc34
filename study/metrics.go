package study

import (
	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
	"budwood/trials"
)

// Metric is what a study with data can optimise, with all that there is to know of
// it.
type Metric struct {
	Name     string
	Is       string // what it is, in a few words
	Goal     search.Goal
	Of       DataKind // the data that has it
	Training bool     // it says something about training, and nothing about a network that is evaluated with shared weights
}

// DataKind is data that a metric needs.
type DataKind string

// The kinds of data; "" is any.
const (
	OfClasses    DataKind = "classes"
	OfTwoClasses DataKind = "two classes"
	OfNumbers    DataKind = "numbers"
	OfTexts      DataKind = "texts"
)

// Metrics are those of a study with data. They are of the validation rows, except for
// the last seven.
var Metrics = []Metric{
	{Name: "valid_loss", Is: "what training minimises: cross-entropy, or with numbers the error of `loss`", Goal: search.Minimize},
	{Name: "valid_accuracy", Is: "share of the rows whose class is predicted", Goal: search.Maximize, Of: OfClasses},
	{Name: "valid_balanced_accuracy", Is: "mean of the accuracies of the classes", Goal: search.Maximize, Of: OfClasses},
	{Name: "valid_f1", Is: "F1, macro average over the classes", Goal: search.Maximize, Of: OfClasses},
	{Name: "valid_auc", Is: "area under the ROC curve", Goal: search.Maximize, Of: OfTwoClasses},
	{Name: "valid_rmse", Is: "root of the mean squared error, in units of the target", Goal: search.Minimize, Of: OfNumbers},
	{Name: "valid_mae", Is: "mean absolute error, in units of the target", Goal: search.Minimize, Of: OfNumbers},
	{Name: "valid_r2", Is: "R², the share of the variance that is explained", Goal: search.Maximize, Of: OfNumbers},
	{Name: "valid_perplexity", Is: "perplexity of the next character", Goal: search.Minimize, Of: OfTexts},
	{Name: "train_loss", Is: "mean loss over the last epoch's batches", Goal: search.Minimize, Training: true},
	{Name: trials.EnergyWh, Is: "energy of the trial so far, in watt-hours", Goal: search.Minimize, Training: true},
	{Name: network.LatencyUS, Is: "microseconds of one row in batches of 64 on one core, predicted", Goal: search.Minimize},
	{Name: network.InferenceMWh, Is: "energy of predicting 1,000 rows, in milliwatt-hours, predicted", Goal: search.Minimize},
	{Name: network.SizeBytes, Is: "size of the file of the weights, in bytes", Goal: search.Minimize},
	{Name: "params", Is: "number of weights of the network", Goal: search.Minimize},
	{Name: "macs", Is: "multiply-accumulate operations for one row", Goal: search.Minimize},
}

func metric(name string) (m Metric, ok bool) {
	for _, m := range Metrics {
		if m.Name == name {
			return m, true
		}
	}
	return Metric{}, false
}

func metricNames() []string {
	out := make([]string, len(Metrics))
	for i, m := range Metrics {
		out[i] = m.Name
	}
	return out
}

// defaultGoal is minimize for a metric of the user's own.
func defaultGoal(name string) search.Goal {
	if m, ok := metric(name); ok {
		return m.Goal
	}
	return search.Minimize
}

// checkMetric tells at path if loaded data does not have a metric.
func (s *Spec) checkMetric(path, name string, d *data.Data) error {
	m, _ := metric(name)
	switch {
	case m.Of == OfNumbers && d.Classes > 0:
		return wrong(path, "%s is a metric of regression, but %q is a class with %d values: use valid_accuracy or valid_loss", name, d.Target, d.Classes)
	case m.Of == OfTexts && s.Data.Text == nil:
		return wrong(path, "%s is a metric of texts: use valid_loss", name)
	case (m.Of == OfClasses || m.Of == OfTwoClasses) && d.Classes == 0:
		return wrong(path, "%s is a metric of classification, but %q is a number: use valid_rmse, valid_mae, valid_r2 or valid_loss", name, d.Target)
	case m.Of == OfTwoClasses && d.Classes != 2:
		return wrong(path, "%s is a metric of two classes, but %q has %d: use valid_balanced_accuracy or valid_f1", name, d.Target, d.Classes)
	}
	return nil
}
