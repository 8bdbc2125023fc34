package network

import (
	"fmt"
	"runtime"
	"slices"

	"budwood/data"
	"budwood/search"
	"budwood/trials"
)

// measuredTurns is how often two networks take turns, and turnSeconds the processor time of
// a turn at least.
const (
	measuredTurns = 7
	turnSeconds   = .004
)

// Predictor is a network whose predictions can be measured.
type Predictor interface {
	Predict(x, out []float32) error
	Out() data.Shape
}

// Turns measures two networks by turns on one thread, at batches of 1 and 64 rows: the
// median of the processor time of a row, and by how much the second is faster, as
// original_measured_us_B, plan_measured_us_B and measured_speedup_B.
func Turns(original, plan Net, rows *data.Set, m search.Metrics) error {
	was, err := predictor(original)
	if err != nil {
		return err
	}
	now, err := predictor(plan)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	in := rows.Shape.Size()
	for _, batch := range []int{1, costBatch} {
		x := make([]float32, batch*in)
		rows.Read(x[:min(batch, rows.Len())*in], 0)
		var took, ratio [2][]float64
		runs := [2]int{1, 1}
		for turn := -2; turn < measuredTurns; turn++ { // two to warm up
			for k, n := range []Predictor{was, now} {
				out := make([]float32, batch*n.Out().Size())
				begun := trials.ThreadTime()
				for range runs[k] {
					if err := n.Predict(x, out); err != nil {
						return err
					}
				}
				s := (trials.ThreadTime() - begun).Seconds()
				if turn < 0 {
					runs[k] = max(int(float64(runs[k])*turnSeconds/max(s, 1e-6)), 1)
					continue
				}
				took[k] = append(took[k], s/float64(runs[k]*batch))
			}
			if turn >= 0 {
				ratio[0] = append(ratio[0], took[0][turn]/took[1][turn])
			}
		}
		m[fmt.Sprintf("original_measured_us_%d", batch)] = 1e6 * median(took[0])
		m[fmt.Sprintf("plan_measured_us_%d", batch)] = 1e6 * median(took[1])
		m[fmt.Sprintf("measured_speedup_%d", batch)] = median(ratio[0])
	}
	return nil
}

func median(x []float64) float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x[len(x)/2]
}
