package main

import (
	"fmt"
	"io"
	"math/rand/v2"

	"budwood/engine/calibrate"
	"budwood/engine/kernel"
)

// gemmSizes are M, N, K of the products in the table; the last ones are those
// of a dense layer and of a convolution.
var gemmSizes = [][3]int{
	{32, 64, 64}, {64, 64, 64}, {128, 128, 128}, {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024},
	{128, 256, 784}, {784, 256, 128}, {12544, 32, 144},
}

// gemmTable prints the speed of products beside that of multiply-adds on
// registers alone, both measured in turns.
func gemmTable(out io.Writer, rounds int, seconds float64) {
	cpu, _ := kernel.CPU()
	fmt.Fprintf(out, "\nproducts of matrices, %s, GFLOP/s\n\n| M×N×K | product | peak | share |\n|---|---|---|---|\n", cpu)
	r := rand.New(rand.NewPCG(1, 1))
	random := func(n int) []float32 {
		x := kernel.Floats(n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	for _, s := range gemmSizes {
		m, n, k := s[0], s[1], s[2]
		g := kernel.Gemm{M: m, N: n, K: k, A: random(m * k), RowA: k, ColA: 1, B: random(k * n), RowB: n, C: kernel.Floats(m * n), RowC: n}
		g.Pack = kernel.Floats(g.PackSize())
		work := 2 * float64(m) * float64(n) * float64(k)
		var peaks, products, shares []float64
		for range rounds {
			peak := flops(seconds/4, func() float64 { return kernel.Peak(1 << 12) })
			product := flops(seconds, func() float64 { g.Run(); return work })
			peaks, products, shares = append(peaks, peak), append(products, product), append(shares, product/peak)
		}
		fmt.Fprintf(out, "| %d×%d×%d | %.0f | %.0f | %.2f |\n", m, n, k, median(products), median(peaks), median(shares))
	}
}

// flops calls f for some seconds and returns 10⁹ operations a second.
func flops(seconds float64, f func() float64) float64 {
	for calls := 1; ; calls *= 2 { // so that reading the clock does not count
		work, start := 0.0, calibrate.Clock()
		for range calls {
			work += f()
		}
		if took := calibrate.Clock() - start; took >= seconds {
			return work / took / 1e9
		}
	}
}
