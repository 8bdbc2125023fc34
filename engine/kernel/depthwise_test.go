package kernel

import (
	"math/rand/v2"
	"testing"
)

func TestDepthwiseWindows(t *testing.T) { everyLevel(t, testDepthwiseWindows) }

func testDepthwiseWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 22))
	for _, c := range []int{1, 3, 7, 8, 9, 16, 20, 32, 33} {
		for _, stride := range []int{1, 2, 3} {
			for _, n := range []int{1, 2, 7} {
				d := Depthwise{C: c, Width: (n-1)*stride + 3 + r.IntN(3), Stride: stride}
				x, w, b, dy := gauss(r, 3*d.Width*c), gauss(r, 9*c), gauss(r, c), gauss(r, n*c)
				y := make([]float32, n*c+1)
				for _, bias := range [][]float32{nil, b} {
					d.Row(y, x, w, bias, n)
					compare(t, "Row", y[:n*c], func(i int) float64 {
						var s float64
						if bias != nil {
							s = float64(bias[i%c])
						}
						for k := range 9 {
							s += float64(w[k*c+i%c]) * float64(x[((k/3)*d.Width+i/c*stride+k%3)*c+i%c])
						}
						return s
					}, 2e-6)
				}
				if y[n*c] != 0 {
					t.Fatalf("%+v: wrote behind the row", d)
				}
				sums := append([]float32(nil), w...)
				d.Sums(sums, x, dy, n)
				compare(t, "Sums", sums, func(i int) float64 {
					s, k, ch := float64(w[i]), i/c, i%c
					for j := range n {
						s += float64(dy[j*c+ch]) * float64(x[((k/3)*d.Width+j*stride+k%3)*c+ch])
					}
					return s
				}, 4e-6)
			}
		}
	}
}
