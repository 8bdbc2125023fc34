//go:build unix

package kernel

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"
)

// cpuSeconds is the processor time of this process: other work on the machine
// disturbs it less than wall time.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// rate reports how much work was done per second of processor time.
func rate(b *testing.B, work float64, unit string, f func()) float64 {
	f()
	start := cpuSeconds(b)
	for b.Loop() {
		f()
	}
	r := work * float64(b.N) / (cpuSeconds(b) - start)
	b.ReportMetric(r, unit)
	return r
}

func BenchmarkGemm(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	best := use
	defer func() { use = best }()
	for _, use = range []level{avx512, avx2, generic} {
		if use > best {
			continue
		}
		peak := 0.0
		b.Run("peak/"+use.String(), func(b *testing.B) {
			const rounds = 1 << 12
			peak = rate(b, Peak(1)*rounds/1e9, "GFLOP/s", func() { Peak(rounds) })
		})
		for _, s := range [][3]int{{32, 64, 64}, {64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {128, 256, 784}, {784, 256, 128}, {128, 128, 256}, {12544, 32, 144}} {
			m, n, k := s[0], s[1], s[2]
			b.Run(fmt.Sprintf("%dx%dx%d/%v", m, n, k, use), func(b *testing.B) {
				g := Gemm{M: m, N: n, K: k, A: large(r, m*k), RowA: k, ColA: 1, B: large(r, k*n), RowB: n, C: Floats(m * n), RowC: n}
				g.Pack = Floats(g.PackSize())
				got := rate(b, 2*float64(m*n*k)/1e9, "GFLOP/s", g.Run)
				b.ReportMetric(got/peak, "of_peak")
			})
		}
	}
}

// The gain of operands in bfloat16, which are rounded on the way, over float32.
func BenchmarkHalfGemm(b *testing.B) {
	if !HasBFloat16() {
		b.Skip("the processor has no instructions for bfloat16")
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, s := range [][3]int{{32, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {128, 256, 784}, {784, 256, 128}} {
		m, n, k := s[0], s[1], s[2]
		full := 0.0
		for _, format := range []Format{Float32, BFloat16} {
			b.Run(fmt.Sprintf("%dx%dx%d/%d", m, n, k, format), func(b *testing.B) {
				g := Gemm{M: m, N: n, K: k, A: gauss(r, m*k), RowA: k, ColA: 1, B: gauss(r, k*n), RowB: n, C: make([]float32, m*n), RowC: n, Half: format}
				g.Pack = make([]float32, g.PackSize())
				got := rate(b, 2*float64(m*n*k)/1e9, "GFLOP/s", g.Run)
				if format == Float32 {
					full = got
				}
				b.ReportMetric(got/full, "of_float32")
			})
		}
	}
}

// large is gauss in memory as the engine's.
func large(r *rand.Rand, n int) []float32 {
	x := Floats(n)
	copy(x, gauss(r, n))
	return x
}
