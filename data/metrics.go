package data

import (
	"cmp"
	"math"
	"slices"
)

// The metrics take one prediction a row and return NaN where they are undefined:
// no rows, lengths that do not match, a class out of range, a prediction that is
// NaN.

// Argmax is the class with the highest score in each row of scores (rows ×
// classes); of equal ones the first.
func Argmax(scores []float32, classes int) []int32 {
	if classes < 1 {
		return nil
	}
	out := make([]int32, len(scores)/classes)
	for i := range out {
		row := scores[i*classes : (i+1)*classes]
		for k, s := range row {
			if s > row[out[i]] {
				out[i] = int32(k)
			}
		}
	}
	return out
}

// Accuracy is the share of rows whose class was predicted.
func Accuracy(predicted, class []int32) float64 {
	if len(predicted) != len(class) || len(class) == 0 {
		return math.NaN()
	}
	hits := 0
	for i, c := range class {
		if predicted[i] == c {
			hits++
		}
	}
	return float64(hits) / float64(len(class))
}

// BalancedAccuracy is the share of rows whose class was predicted, taken class by
// class and averaged over the classes that occur.
func BalancedAccuracy(predicted, class []int32, classes int) float64 {
	t, ok := tally(predicted, class, classes)
	if !ok {
		return math.NaN()
	}
	sum, n := 0., 0.
	for _, k := range t {
		if k.rows > 0 {
			sum += float64(k.hits) / float64(k.rows)
			n++
		}
	}
	return sum / n
}

// F1 is the harmonic mean of precision and recall, 2·hits/(rows + predictions),
// averaged over the classes that occur or were predicted (macro average).
func F1(predicted, class []int32, classes int) float64 {
	t, ok := tally(predicted, class, classes)
	if !ok {
		return math.NaN()
	}
	sum, n := 0., 0.
	for _, k := range t {
		if k.rows+k.predicted > 0 {
			sum += 2 * float64(k.hits) / float64(k.rows+k.predicted)
			n++
		}
	}
	return sum / n
}

// counts are what happened to one class.
type counts struct{ rows, predicted, hits int }

func tally(predicted, class []int32, classes int) (t []counts, ok bool) {
	if len(predicted) != len(class) || len(class) == 0 || classes < 1 {
		return nil, false
	}
	t = make([]counts, classes)
	for i, c := range class {
		p := predicted[i]
		if c < 0 || int(c) >= classes || p < 0 || int(p) >= classes {
			return nil, false
		}
		t[c].rows++
		t[p].predicted++
		if p == c {
			t[c].hits++
		}
	}
	return t, true
}

// LogLoss is the mean of −ln p over the rows, where p is the probability given to
// the row's class, not below 1e-15. probs is rows × classes.
func LogLoss(probs []float32, class []int32, classes int) float64 {
	if classes < 1 || len(class) == 0 || len(probs) != len(class)*classes {
		return math.NaN()
	}
	sum := 0.
	for i, c := range class {
		if c < 0 || int(c) >= classes {
			return math.NaN()
		}
		sum -= math.Log(min(max(float64(probs[i*classes+int(c)]), 1e-15), 1))
	}
	return sum / float64(len(class))
}

// Perplexity is e to the [LogLoss]: of how many equally likely classes the
// network seems to choose. Of a network that was trained by cross-entropy it is e to
// the loss of Net.Evaluate of package engine.
func Perplexity(probs []float32, class []int32, classes int) float64 {
	return math.Exp(LogLoss(probs, class, classes))
}

// AUC is the area under the ROC curve of two classes: the probability that a row
// of class 1 has a higher score than one of class 0, where equal scores count
// one half (Mann and Whitney 1947). It is NaN unless both classes occur.
func AUC(score []float32, class []int32) float64 {
	if len(score) != len(class) {
		return math.NaN()
	}
	order := make([]int, len(score))
	positive := 0
	for i, c := range class {
		if c < 0 || c > 1 || score[i] != score[i] {
			return math.NaN()
		}
		order[i] = i
		positive += int(c)
	}
	negative := len(class) - positive
	if positive == 0 || negative == 0 {
		return math.NaN()
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(score[a], score[b]) })
	wins, below := 0., 0 // below: rows of class 0 with a lower score
	for i := 0; i < len(order); {
		ones, zeros := 0, 0
		s := score[order[i]]
		for ; i < len(order) && score[order[i]] == s; i++ {
			if class[order[i]] == 1 {
				ones++
			} else {
				zeros++
			}
		}
		wins += float64(ones) * (float64(below) + float64(zeros)/2)
		below += zeros
	}
	return wins / float64(positive) / float64(negative)
}

// RMSE is the root of the mean squared error.
func RMSE(predicted, target []float32) float64 {
	return math.Sqrt(average(predicted, target, func(d float64) float64 { return d * d }))
}

// MAE is the mean absolute error.
func MAE(predicted, target []float32) float64 {
	return average(predicted, target, math.Abs)
}

// R2 is the coefficient of determination, 1 − Σ(y−ŷ)²/Σ(y−ȳ)². It is NaN if the
// target does not vary.
func R2(predicted, target []float32) float64 {
	mse := average(predicted, target, func(d float64) float64 { return d * d })
	mean := 0.
	for _, y := range target {
		mean += float64(y)
	}
	mean /= float64(len(target))
	spread := 0.
	for _, y := range target {
		spread += (float64(y) - mean) * (float64(y) - mean)
	}
	if !(spread > 0) {
		return math.NaN()
	}
	return 1 - mse*float64(len(target))/spread
}

// average is the mean of f over the errors.
func average(predicted, target []float32, f func(float64) float64) float64 {
	if len(predicted) != len(target) || len(target) == 0 {
		return math.NaN()
	}
	sum := 0.
	for i, y := range target {
		sum += f(float64(predicted[i]) - float64(y))
	}
	return sum / float64(len(target))
}
