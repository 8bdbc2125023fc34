package meta

import (
	"math"
	"slices"
)

// Features describes a data set by a few plain facts. The zero value means that
// nothing is known.
type Features struct {
	Task        string  `json:"task"`                // "classification", "regression", …
	Rows        int     `json:"rows"`                // examples to train and validate on
	Inputs      int     `json:"inputs"`              // columns besides the target, before encoding
	Categorical float64 `json:"categorical"`         // share of the inputs, in [0,1]
	Missing     float64 `json:"missing"`             // share of the input cells, in [0,1]
	Classes     int     `json:"classes,omitempty"`   // of the target; 0: it is a number
	Entropy     float64 `json:"entropy,omitempty"`   // of the classes, see [Balance]
	Majority    float64 `json:"majority,omitempty"`  // share of the largest class
	Landmarks   Scores  `json:"landmarks,omitempty"` // optional
}

// Scores are what simple learners reach on a data set, in [0,1], by name ("1nn",
// "stump", "linear"). They say more about a data set than its size does, and cost
// a little training.
type Scores map[string]float64

// Balance describes how evenly classes are filled, given the number of examples
// in each: the entropy relative to that of equal classes (1: all are equal, 0:
// all examples are in one), and the share of the largest.
func Balance(counts []int) (entropy, majority float64) {
	total, largest, classes := 0, 0, 0
	for _, n := range counts {
		if n > 0 {
			total, largest, classes = total+n, max(largest, n), classes+1
		}
	}
	if total == 0 {
		return 0, 0
	}
	if classes > 1 {
		for _, n := range counts {
			if n > 0 {
				p := float64(n) / float64(total)
				entropy -= p * math.Log(p)
			}
		}
		entropy /= math.Log(float64(classes))
	}
	return entropy, float64(largest) / float64(total)
}

// Typical distances: the interquartile range / 1.349 of each feature over 48
// data sets of UCI and StatLib (the standard deviation for the missing cells,
// which most sets have none of). Counts are compared as logarithms.
const (
	scaleRows        = 0.9  // decades
	scaleInputs      = 0.33 // decades
	scaleCategorical = 0.5
	scaleMissing     = 0.1
	scaleClasses     = 0.86 // octaves
	scaleEntropy     = 0.14
	scaleMajority    = 0.27
	scaleLandmark    = 0.15
	farthest         = 3 // typical distances; one feature alone does not decide
)

// Similarity of two data sets, in [0,1]: exp(-d), d the mean over the features
// known of both of |a-b| in units of a typical distance. It is 1 for equal
// features and 0 for different tasks or if nothing is known. That the L1
// distance of meta-features finds studies worth starting from is shown by
// Feurer, Springenberg, Hutter: Initializing Bayesian Hyperparameter
// Optimization via Meta-Learning, AAAI 2015; the choice of features and the
// exponential are ours.
func Similarity(a, b Features) float64 {
	if a.Task != b.Task || a.Rows <= 0 || b.Rows <= 0 {
		return 0
	}
	var sum, n float64
	compare := func(x, y, scale float64) {
		if d := math.Abs(x-y) / scale; !math.IsNaN(d) {
			sum += min(d, farthest)
			n++
		}
	}
	compare(log10(a.Rows), log10(b.Rows), scaleRows)
	if a.Inputs > 0 && b.Inputs > 0 {
		compare(log10(a.Inputs), log10(b.Inputs), scaleInputs)
		compare(a.Categorical, b.Categorical, scaleCategorical)
		compare(a.Missing, b.Missing, scaleMissing)
	}
	if a.Classes > 0 && b.Classes > 0 {
		compare(math.Log2(float64(a.Classes)), math.Log2(float64(b.Classes)), scaleClasses)
		compare(a.Entropy, b.Entropy, scaleEntropy)
		compare(a.Majority, b.Majority, scaleMajority)
	}
	var names []string
	for name := range a.Landmarks {
		if _, both := b.Landmarks[name]; both {
			names = append(names, name)
		}
	}
	slices.Sort(names) // floating-point sums depend on the order
	for _, name := range names {
		compare(a.Landmarks[name], b.Landmarks[name], scaleLandmark)
	}
	return math.Exp(-sum / n)
}

func log10(n int) float64 { return math.Log10(float64(n)) }
