package data

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Worked out by hand. Truth 0 0 0 0 1 1 2, predicted 0 0 0 1 1 2 2:
// recalls 3/4, 1/2, 1; F1 2·3/(4+3), 2·1/(2+2), 2·1/(1+2).
func TestMetrics(t *testing.T) {
	class := []int32{0, 0, 0, 0, 1, 1, 2}
	predicted := []int32{0, 0, 0, 1, 1, 2, 2}
	y := []float32{1, 2, 3, 6}
	yhat := []float32{1, 3, 1, 6} // errors 0 1 −2 0; mean of y 3, squares 4 + 1 + 0 + 9
	nan := math.NaN()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"accuracy", Accuracy(predicted, class), 5. / 7},
		{"accuracy of nothing", Accuracy(nil, nil), nan},
		{"accuracy of other lengths", Accuracy(predicted, class[1:]), nan},
		{"balanced accuracy", BalancedAccuracy(predicted, class, 3), (3./4 + 1./2 + 1) / 3},
		{"balanced accuracy, a class that does not occur", BalancedAccuracy(predicted, class, 9), (3./4 + 1./2 + 1) / 3},
		{"balanced accuracy, class out of range", BalancedAccuracy(predicted, class, 2), nan},
		{"F1", F1(predicted, class, 3), (6./7 + 1./2 + 2./3) / 3},
		{"F1, a class predicted but absent", F1([]int32{0, 1}, []int32{0, 0}, 3), (2./3 + 0) / 2},
		{"F1, negative class", F1([]int32{-1}, []int32{0}, 3), nan},
		{"log-loss", LogLoss([]float32{0.5, 0.5, 0.25, 0.75}, []int32{0, 1}, 2), (math.Ln2 - math.Log(0.75)) / 2},
		{"log-loss of a certain mistake", LogLoss([]float32{1, 0}, []int32{1}, 2), 15 * math.Ln10},
		{"log-loss of NaN", LogLoss([]float32{float32(nan), 0}, []int32{0}, 2), nan},
		{"log-loss of other lengths", LogLoss([]float32{1, 0, 1}, []int32{1}, 2), nan},
		// Positives 0.8, 0.4; negatives 0.1, 0.4, 0.5: wins 3 + 1½ of 6.
		{"AUC", AUC([]float32{0.8, 0.1, 0.4, 0.4, 0.5}, []int32{1, 0, 1, 0, 0}), 4.5 / 6},
		{"AUC of equal scores", AUC([]float32{1, 1, 1}, []int32{1, 0, 0}), 0.5},
		{"AUC of one class", AUC([]float32{1, 2}, []int32{1, 1}), nan},
		{"AUC of three classes", AUC([]float32{1, 2, 3}, []int32{0, 1, 2}), nan},
		{"AUC of NaN", AUC([]float32{1, float32(nan)}, []int32{0, 1}), nan},
		{"RMSE", RMSE(yhat, y), math.Sqrt(5. / 4)},
		{"MAE", MAE(yhat, y), 3. / 4},
		{"R²", R2(yhat, y), 1 - 5./14},
		{"R² of the mean", R2([]float32{3, 3, 3, 3}, y), 0},
		{"R² of a constant target", R2([]float32{1, 2}, []float32{1, 1}), nan},
		{"R² of nothing", R2(nil, nil), nan},
		{"RMSE of NaN", RMSE([]float32{float32(nan)}, []float32{1}), nan},
		{"RMSE of other lengths", RMSE(yhat, y[1:]), nan},
	} {
		if !same(c.got, c.want) && !(math.Abs(c.got-c.want) < 1e-12) {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestArgmax(t *testing.T) {
	got := Argmax([]float32{1, 3, 2, 5, 5, -1, -3, -2, -1, 9}, 3) // the tenth is no row
	if !slices.Equal(got, []int32{1, 0, 2}) || Argmax([]float32{1}, 0) != nil {
		t.Errorf("%v", got)
	}
}

// AUC by sorting is AUC by comparing every pair.
func TestAUCPairs(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		n := 2 + r.IntN(40)
		score, class := make([]float32, n), make([]int32, n)
		for i := range score {
			score[i], class[i] = float32(r.IntN(6)), int32(r.IntN(2))
		}
		class[0], class[1] = 0, 1
		wins, pairs := 0., 0.
		for i := range score {
			for j := range score {
				if class[i] == 1 && class[j] == 0 {
					pairs++
					switch {
					case score[i] > score[j]:
						wins++
					case score[i] == score[j]:
						wins += 0.5
					}
				}
			}
		}
		if got := AUC(score, class); math.Abs(got-wins/pairs) > 1e-12 {
			t.Fatalf("%v, by pairs %v", got, wins/pairs)
		}
	}
}
