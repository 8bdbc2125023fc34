package learn_test

import (
	"cmp"
	"encoding/json"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"budwood/search"
	"budwood/trials"
)

// table is rows of inputs, each with the number to predict.
type table struct {
	x [][]float64
	y []float64
}

// waves are n rows of a curve in two inputs, with noise.
func waves(n int, seed uint64) (t table) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range n {
		x := []float64{r.Float64()*6 - 3, r.Float64()*6 - 3}
		t.x, t.y = append(t.x, x), append(t.y, math.Sin(x[0])+x[1]/3+.3*r.NormFloat64())
	}
	return t
}

// stump predicts one number below a threshold of an input, and another from there on.
type stump struct {
	Input        int     `json:"input"`
	At           float64 `json:"at"`
	Below, Above float64
}

// boosting is gradient boosting of stumps under squared error (Friedman 2001), each
// fitted to half of the rows (Friedman 2002): no network, and an epoch is a round.
type boosting struct {
	train, valid table
	rate         float64
	seed         uint64

	Stumps []stump `json:"stumps"`
	Best   int     `json:"best"` // rounds of the best score
}

func (b *boosting) predict(x []float64, rounds int) (y float64) {
	for _, s := range b.Stumps[:rounds] {
		if x[s.Input] < s.At {
			y += b.rate * s.Below
		} else {
			y += b.rate * s.Above
		}
	}
	return y
}

// loss is the mean squared error after some rounds.
func (b *boosting) loss(t table, rounds int) (sum float64) {
	for i, x := range t.x {
		d := t.y[i] - b.predict(x, rounds)
		sum += d * d / float64(len(t.x))
	}
	return sum
}

// Epoch adds the stump that takes most of the squared residuals away.
func (b *boosting) Epoch() error {
	r := rand.New(rand.NewPCG(b.seed, uint64(len(b.Stumps))))
	rows := r.Perm(len(b.train.x))[:len(b.train.x)/2]
	most, best := math.Inf(-1), stump{}
	for input := range b.train.x[0] {
		slices.SortFunc(rows, func(i, j int) int { return cmp.Compare(b.train.x[i][input], b.train.x[j][input]) })
		var all, sum float64
		left := make([]float64, len(rows))
		for k, i := range rows {
			left[k] = b.train.y[i] - b.predict(b.train.x[i], len(b.Stumps))
			all += left[k]
		}
		for k := 1; k < len(rows); k++ {
			sum += left[k-1]
			below, above := float64(k), float64(len(rows)-k)
			if gain := sum*sum/below + (all-sum)*(all-sum)/above; gain > most {
				most, best = gain, stump{input, b.train.x[rows[k]][input], sum / below, (all - sum) / above}
			}
		}
	}
	b.Stumps = append(b.Stumps, best)
	return nil
}

func (b *boosting) Score() (search.Metrics, error) {
	return search.Metrics{"valid_loss": b.loss(b.valid, len(b.Stumps)), "train_loss": b.loss(b.train, len(b.Stumps))}, nil
}

func (b *boosting) KeepBest() { b.Best = len(b.Stumps) }

func (b *boosting) Size() search.Metrics { return search.Metrics{"params": 4 * float64(len(b.Stumps))} }

func (b *boosting) Save(w io.Writer) error { return json.NewEncoder(w).Encode(b) }

func (b *boosting) Load(r io.Reader) error { return json.NewDecoder(r).Decode(b) }

// newBoosting is the learner of a candidate.
func newBoosting(t *trials.Trial) *boosting {
	return &boosting{train: waves(200, 1), valid: waves(200, 2), rate: t.Params["rate"].(float64), seed: t.Seed()}
}
