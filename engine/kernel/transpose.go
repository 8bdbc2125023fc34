package kernel

// Transpose writes dst[j*rowDst+i] = src[i*rowSrc+j] for i < rows, j < cols.
func Transpose(dst []float32, rowDst int, src []float32, rowSrc, rows, cols int) {
	if rows <= 0 || cols <= 0 {
		return
	}
	dst, src = dst[:(cols-1)*rowDst+rows], src[:(rows-1)*rowSrc+cols]
	tile := max(width(), 8)
	for i := 0; i < rows; i += tile {
		r := min(tile, rows-i)
		for j := 0; j < cols; j += tile {
			c := min(tile, cols-j)
			d, s := dst[j*rowDst+i:], src[i*rowSrc+j:]
			if use == avx512 || use == avx2 && r == tile && c == tile {
				transposeTile(&d[0], &s[0], 4*rowDst, 4*rowSrc, r, c)
				continue
			}
			for a := range r {
				for b, v := range s[a*rowSrc : a*rowSrc+c] {
					d[b*rowDst+a] = v
				}
			}
		}
	}
}
