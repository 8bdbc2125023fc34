package calibrate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"testing"

	"budwood/data"
	"budwood/engine"
)

// How near predictions are, over random networks: BUDWOOD_LATENCY=1 go test -run
// LatencyIsPredicted -v ./engine/calibrate. No bound is asserted, for the machine may be busy.
func TestLatencyIsPredicted(t *testing.T) {
	if os.Getenv("BUDWOOD_LATENCY") == "" {
		t.Skip("a measurement: set BUDWOOD_LATENCY")
	}
	m, quiet := engine.BuiltIn(), newSteady()
	for range 200 { // until it is known how fast it is on a quiet machine
		quiet.run()
	}
	if os.Getenv("BUDWOOD_LATENCY") == "calibrated" {
		if err := infer(t.Context(), m, quiet); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r := rand.New(rand.NewPCG(7, 7))
	var predicted, measured, wrong []float64
	for i := range 120 {
		l, in := randomNetwork(r, i)
		net, err := engine.Compile(l, in, engine.Config{Batch: 64, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		p, err := engine.Latency(l, in, engine.Config{}, 64, m)
		if err != nil {
			t.Fatal(err)
		}
		f, err := net.Inference()
		if err != nil {
			t.Fatal(err)
		}
		times, err := quiet.seconds(f.Predict, random(64*in.Size()), 64*net.Out().Size())
		if err != nil {
			t.Fatal(err)
		}
		best := times * quiet.least
		predicted, measured = append(predicted, p), append(measured, best)
		wrong = append(wrong, math.Abs(math.Log(p/best)))
		if os.Getenv("BUDWOOD_LATENCY_LIST") != "" {
			fmt.Printf("%.2f %.1f µs %v %v\n", p/best, 1e6*best, in, l)
		}
	}
	slices.Sort(wrong)
	t.Logf("Spearman %.3f, median error %.1f %%, nine of ten within %.0f %%; by turns with a product of matrices", spearman(predicted, measured), 100*(math.Exp(wrong[60])-1), 100*(math.Exp(wrong[108])-1))
}

func randomNetwork(r *rand.Rand, i int) (engine.Layer, data.Shape) {
	size := func(lo, hi int) int { return lo + r.IntN(hi-lo) }
	acts := []engine.Layer{engine.ReLU{}, engine.GELU{}, engine.Tanh{}}
	var s engine.Seq
	switch i % 3 {
	case 0:
		for range size(1, 4) {
			s = append(s, engine.Dense{Out: size(16, 400)}, acts[r.IntN(3)])
		}
		return append(s, engine.Dense{Out: 10}), data.Shape{size(8, 500)}
	case 1:
		for range size(1, 4) {
			s = append(s, engine.Conv{Out: size(4, 48)}, engine.BatchNorm{}, engine.ReLU{})
		}
		return append(s, engine.MaxPool{}, engine.Conv{Out: size(8, 48)}, engine.ReLU{}, engine.GlobalAvgPool{}, engine.Dense{Out: 10}), data.Shape{size(4, 10) * 2, 16, size(1, 8)}
	}
	h := size(1, 4)
	d := h * 8 * size(1, 5)
	for range size(1, 3) {
		s = append(s, engine.Transformer{Heads: h, Hidden: size(32, 256)})
	}
	return append(s, engine.GlobalAvgPool{}, engine.Dense{Out: 10}), data.Shape{size(8, 48), d}
}

func spearman(a, b []float64) float64 {
	ranks := func(x []float64) []float64 {
		order := make([]int, len(x))
		for i := range order {
			order[i] = i
		}
		slices.SortFunc(order, func(i, j int) int {
			if x[i] < x[j] {
				return -1
			}
			return 1
		})
		out := make([]float64, len(x))
		for at, i := range order {
			out[i] = float64(at)
		}
		return out
	}
	ra, rb := ranks(a), ranks(b)
	n, sum := float64(len(a)), 0.
	for i := range ra {
		sum += (ra[i] - rb[i]) * (ra[i] - rb[i])
	}
	return 1 - 6*sum/(n*(n*n-1))
}
