package study

import (
	"budwood/data"
	"budwood/meta"
)

// dataFeatures is what studies on different data sets are compared by.
func dataFeatures(f *data.Facts, task data.Task) meta.Features {
	inputs := f.Numeric + f.Categorical
	return meta.Features{
		Task: string(task), Rows: f.Rows, Inputs: inputs, Categorical: float64(f.Categorical) / float64(max(inputs, 1)),
		Missing: f.Missing, Classes: f.Classes, Entropy: f.ClassEntropy, Majority: f.Majority,
	}
}
