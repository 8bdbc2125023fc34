package kernel

// MaxBytes writes the larger of each two bytes; dst may be a or b.
func MaxBytes(dst, a, b []uint8) {
	n := len(dst)
	a, b = a[:n], b[:n]
	done := 0
	if w := 4 * width(); w > 0 && n >= w {
		done = n / w * w
		maxByteVectors(&dst[0], &a[0], &b[0], n/w)
	}
	for i := done; i < n; i++ {
		dst[i] = max(a[i], b[i])
	}
}

// MaxPixels writes the maximum of each size pixels that follow each other, of so many
// bytes: dst has as many pixels as x has whole windows, or fewer.
func MaxPixels(dst, x []uint8, bytes, size int) {
	if size == 2 && bytes%16 == 0 && width() > 0 && len(dst) > 0 {
		maxPixelPairs(&dst[0], &x[:2*len(dst)][0], bytes/16, len(dst)/bytes)
		return
	}
	for at := 0; at < len(dst); at += bytes {
		to := dst[at : at+bytes]
		from := x[at*size : (at+bytes)*size]
		copy(to, from)
		for k := 1; k < size; k++ {
			for j, v := range from[k*bytes : (k+1)*bytes] {
				to[j] = max(to[j], v)
			}
		}
	}
}
