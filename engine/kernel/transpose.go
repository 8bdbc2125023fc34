package kernel

// Transpose writes dst[j*rowDst+i] = src[i*rowSrc+j] for i < rows, j < cols.
func Transpose(dst []float32, rowDst int, src []float32, rowSrc, rows, cols int) {
	const tile = 8
	for i0 := 0; i0 < rows; i0 += tile {
		i1 := min(i0+tile, rows)
		for j0 := 0; j0 < cols; j0 += tile {
			j1 := min(j0+tile, cols)
			for i := i0; i < i1; i++ {
				s := src[i*rowSrc+j0 : i*rowSrc+j1]
				d := dst[j0*rowDst+i:]
				for j, v := range s {
					d[j*rowDst] = v
				}
			}
		}
	}
}
