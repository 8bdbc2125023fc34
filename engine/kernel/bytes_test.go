package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// dotsOf are the ways to add products of bytes that this processor has.
func dotsOf() (all []dots) {
	for d := plainDots; d <= fullDots; d++ {
		if d == plainDots || d == wordDots && detect() >= avx2 || d == halfDots && hasHalfDots || d == fullDots && hasFullDots && detect() == avx512 {
			all = append(all, d)
		}
	}
	return all
}

// Products of bytes are exact with every instruction set, at the limits, too, for any
// shape and with segments.
func TestByteProducts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n, k, segs := rapid.IntRange(1, 70).Draw(t, "M"), rapid.IntRange(1, 70).Draw(t, "N"), rapid.IntRange(1, 300).Draw(t, "K"), rapid.IntRange(1, 3).Draw(t, "segments")
		if rapid.Bool().Draw(t, "wide") {
			n *= 3
		}
		r := rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed")))
		extremes := r.IntN(3)
		rowA, segA := 1+r.IntN(k+5), r.IntN(2*k)
		a := make([]uint8, (m-1)*rowA+(segs-1)*segA+k+Slack)
		b := make([]int8, segs*k*n)
		for i := range a {
			if a[i] = uint8(r.IntN(256)); extremes > 0 {
				a[i] = 255 * uint8(r.IntN(2))
			}
		}
		for i := range b {
			if b[i] = int8(r.IntN(255) - 127); extremes > 1 {
				b[i] = []int8{-127, 127}[r.IntN(2)]
			}
		}
		bias := make([]int32, Padded(n))
		for j := range n {
			bias[j] = int32(r.IntN(1<<31) - 1<<30)
		}
		want := make([]int32, m*n)
		for i := range m {
			for j := range n {
				sum := bias[j]
				for s := range segs {
					for l := range k {
						sum += int32(a[i*rowA+s*segA+l]) * int32(b[(s*k+l)*n+j])
					}
				}
				want[i*n+j] = sum
			}
		}
		for _, d := range dotsOf() {
			g := ByteProduct{M: m, A: a, RowA: rowA, SegA: segA, B: newByteMatrix(b, segs, k, n, d), Bias: bias, C: make([]int32, m*Padded(n))}
			g.Run()
			for i, v := range want {
				if got := g.C[i/n*Padded(n)+i%n]; got != v {
					t.Fatalf("dots %d: sum (%d, %d) is %d, want %d", d, i/n, i%n, got, v)
				}
			}
		}
	})
}

// Codes are rounded half to even, bounded, and the same with every instruction set.
func TestCodes(t *testing.T) { everyLevel(t, testCodes) }

func testCodes(t *testing.T) {
	sums, scale := []int32{1, 3, 5, -1, 509}, []float32{.5, .5, .5, .5, .5}
	got := make([]uint8, 5)
	Codes{Scale: 1}.Requantize(got, sums, scale)
	if want := "[0 2 2 0 254]"; fmt.Sprint(got) != want {
		t.Errorf("ties are %v, want %s", got, want)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for n := 1; n < 70; n++ {
		c := Codes{Scale: float32(math.Exp(r.NormFloat64())), Zero: uint8(r.IntN(256))}
		if r.IntN(2) > 0 {
			c.Low = c.Zero
		}
		x, sums, scale := gauss(r, n), make([]int32, n), gauss(r, n)
		for i := range x {
			sums[i] = int32(r.Uint32())>>r.IntN(31) + int32(r.IntN(3))
			switch r.IntN(9) {
			case 0:
				x[i] = float32(math.NaN())
			case 1:
				x[i] = float32(math.Inf(1 - 2*r.IntN(2)))
			case 2:
				x[i] = (float32(r.IntN(100)) - .5) * c.Scale
			case 3:
				scale[i] *= 1e30
			}
		}
		clamp := func(v float64) uint8 {
			v = math.RoundToEven(v) + float64(c.Zero)
			if !(v >= float64(c.Low)) {
				v = float64(c.Low)
			}
			return uint8(min(v, 255))
		}
		q, p, f := make([]uint8, n), make([]uint8, n), make([]float32, n)
		c.Quantize(q, x)
		c.Requantize(p, sums, scale)
		Unquantize(f, sums, scale)
		for i := range x {
			if want := clamp(float64(x[i] / c.Scale)); q[i] != want {
				t.Errorf("%d of %d: %v has code %d, want %d by %+v", i, n, x[i], q[i], want, c)
			}
			y := float32(sums[i]) * scale[i]
			if want := clamp(float64(y)); p[i] != want {
				t.Errorf("%d of %d: %d·%v has code %d, want %d by %+v", i, n, sums[i], scale[i], p[i], want, c)
			}
			if f[i] != y {
				t.Errorf("%d·%v is %v, want %v", sums[i], scale[i], f[i], y)
			}
		}
		c.Dequantize(f, q)
		for i, v := range q {
			if want := float32(int(v)-int(c.Zero)) * c.Scale; f[i] != want {
				t.Errorf("code %d is %v, want %v", v, f[i], want)
			}
		}
	}
}

// Maxima of bytes are the same with every instruction set.
func TestMaxBytes(t *testing.T) { everyLevel(t, testMaxBytes) }

func testMaxBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		size, pixels, bytes := 1+r.IntN(3), 1+r.IntN(5), 1+r.IntN(50)
		if r.IntN(2) > 0 {
			bytes = 16 * (1 + bytes%4)
		}
		x := make([]uint8, size*pixels*bytes+r.IntN(bytes))
		for i := range x {
			x[i] = uint8(r.IntN(256))
		}
		got := make([]uint8, pixels*bytes)
		MaxPixels(got, x, bytes, size)
		for i, v := range got {
			var want uint8
			for k := range size {
				want = max(want, x[(i/bytes*size+k)*bytes+i%bytes])
			}
			if v != want {
				t.Fatalf("byte %d of %d pixels of %d, windows of %d: %d, want %d", i, pixels, bytes, size, v, want)
			}
		}
		MaxBytes(got, got, x)
		for i, v := range got {
			if v < x[i] {
				t.Fatalf("byte %d of %d is %d, and less than %d", i, len(got), v, x[i])
			}
		}
	}
}
