package trees

import (
	"math/rand/v2"
	"slices"
)

// Importance are the shares of the columns, each adding up to 1: of how much splits by the column
// took off the loss (gain), and of the rows that such splits saw, weighted by their second derivatives
// (cover). Both favour columns with many values; see [Permutation] for what a prediction loses.
func (m *Model) Importance() (gain, cover []float64) {
	gain, cover = make([]float64, len(m.Columns)), make([]float64, len(m.Columns))
	origin := m.origin()
	for _, t := range m.Trees {
		for _, n := range t.Nodes {
			if !n.leaf() {
				gain[origin[n.Column]] += float64(n.Gain)
				cover[origin[n.Column]] += float64(n.Cover)
			}
		}
	}
	for _, v := range [][]float64{gain, cover} {
		sum := 0.
		for _, x := range v {
			sum += x
		}
		if sum > 0 {
			for j := range v {
				v[j] /= sum
			}
		}
	}
	return gain, cover
}

// Permutation is how much a loss rises, the mean of some repeats, when the values of a column are dealt out to
// other rows (Breiman 2001, "Random forests", section 10). loss gets what the model predicts of
// the rows of x, as [Model.Predict] does; predict may be that of any model.
func Permutation(columns int, x []float32, predict func(x []float32) ([]float64, error), loss func(predicted []float64) float64, repeats int, seed uint64) ([]float64, error) {
	y, err := predict(x)
	if err != nil {
		return nil, err
	}
	base := loss(y)
	out := make([]float64, columns)
	other := slices.Clone(x)
	rows := len(x) / max(columns, 1)
	for j := range columns {
		r := rand.New(rand.NewPCG(seed, uint64(j)))
		for range repeats {
			for i, k := range r.Perm(rows) {
				other[i*columns+j] = x[k*columns+j]
			}
			if y, err = predict(other); err != nil {
				return nil, err
			}
			out[j] += (loss(y) - base) / float64(repeats)
		}
		for i := range rows {
			other[i*columns+j] = x[i*columns+j]
		}
	}
	return out, nil
}
