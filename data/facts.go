package data

import "math"

// Facts are plain numbers about a data set, from which its likeness to others
// can be told. They are finite, depend on the source alone, and look at no
// validation or test row except to count it.
type Facts struct {
	Rows           int     `json:"rows"` // rows of the three parts together
	TrainRows      int     `json:"train_rows"`
	Numeric        int     `json:"numeric"`         // columns beside the target; pixels are numeric
	Categorical    int     `json:"categorical"`     // columns beside the target
	Features       int     `json:"features"`        // values of an encoded row
	Levels         float64 `json:"levels"`          // different values of a categorical column, on average
	Missing        float64 `json:"missing"`         // share of the cells
	Classes        int     `json:"classes"`         // 0 for regression
	ClassEntropy   float64 `json:"class_entropy"`   // as a share of the most it can be: 1 if all classes are equally frequent
	Majority       float64 `json:"majority"`        // share of the most frequent class
	Minority       float64 `json:"minority"`        // share of the rarest class
	Skewness       float64 `json:"skewness"`        // |skewness| of a numeric column, on average
	Kurtosis       float64 `json:"kurtosis"`        // excess kurtosis of a numeric column, on average
	TargetSkewness float64 `json:"target_skewness"` // 0 for classification
	TargetKurtosis float64 `json:"target_kurtosis"` // excess; 0 for classification
}

// momentRows is how many training rows skewness and kurtosis are taken from:
// they are in random order, and more rows would cost more than they tell.
const momentRows = 4096

// momentValues bounds the values that are read from a file for them.
const momentValues = 1 << 23

// measure fills in what the encoded training set tells. numeric are the places of
// numeric columns in a row.
func (f *Facts) measure(train *Set, numeric []int) {
	f.TrainRows, f.Features, f.Classes = train.Len(), train.Shape.Size(), train.Classes
	f.classes(train)
	head := train.Head(momentRows)
	x := head.X
	if head.Rows != nil { // of images some may have very many values
		head = head.Head(max(momentValues/f.Features, 1))
		x = make([]float32, head.Len()*f.Features)
		head.Read(x, 0)
	}
	n, used := f.Features, 0
	for _, at := range numeric {
		skew, kurt, ok := tails(x, at, n)
		if ok {
			f.Skewness += math.Abs(skew)
			f.Kurtosis += kurt
			used++
		}
	}
	if used > 0 {
		f.Skewness /= float64(used)
		f.Kurtosis /= float64(used)
	}
	if train.Target != nil {
		f.TargetSkewness, f.TargetKurtosis, _ = tails(head.Target, 0, 1)
	}
}

func (f *Facts) classes(train *Set) {
	if train.Classes < 2 {
		return
	}
	count := make([]int, train.Classes)
	for _, c := range train.Class {
		count[c]++
	}
	f.Minority = 1
	for _, n := range count {
		p := float64(n) / float64(len(train.Class))
		f.Majority, f.Minority = max(f.Majority, p), min(f.Minority, p)
		if p > 0 {
			f.ClassEntropy -= p * math.Log(p)
		}
	}
	f.ClassEntropy /= math.Log(float64(train.Classes))
}

// tails are the skewness m₃/m₂^1.5 and the excess kurtosis m₄/m₂² − 3 (population
// moments) of the values at, at+step, …; ok is false if they do not differ.
func tails(x []float32, at, step int) (skew, kurt float64, ok bool) {
	var n, mean float64
	for i := at; i < len(x); i += step {
		n++
		mean += float64(x[i])
	}
	mean /= max(n, 1)
	var m2, m3, m4 float64
	for i := at; i < len(x); i += step {
		d := float64(x[i]) - mean
		m2 += d * d
		m3 += d * d * d
		m4 += d * d * d * d
	}
	m2, m3, m4 = m2/n, m3/n, m4/n
	if !(m2 > 1e-12) { // the values are standardised
		return 0, 0, false
	}
	return m3 / (m2 * math.Sqrt(m2)), m4/(m2*m2) - 3, true
}
