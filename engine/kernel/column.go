package kernel

// Functions over the columns of a matrix (bias, batch normalisation) work on
// strips of one vector. A matrix too narrow for that, or whose width is no
// multiple of a vector, is seen as one with fewer rows of several old rows each:
// 10 columns become 80. Up to group columns are treated at once, so that their
// sums fit on the stack.
const group = 256

// Sums over many rows run over chunks of rows, so that rounding errors of a
// float32 sum stay small.
const chunk = 128

// span is a group of columns of a matrix, and which part of it vectors cover:
// strips strips of each folded row.
type span struct {
	first, cols int // columns
	rows        int
	stride      int // floats from row to row
	fold        int // old rows in one folded row
	strips      int // 0: no vectors
}

// spans calls f for each group of columns.
func spans(rows, cols int, f func(span)) {
	for j := 0; j < cols; j += group {
		s := span{first: j, cols: min(group, cols-j), rows: rows, stride: cols, fold: 1}
		if w := width(); w > 0 {
			if s.cols == cols {
				s.fold = w / gcd(w, cols)
				if s.fold*cols > group || s.fold > rows {
					s.fold = 1
				}
			}
			s.strips = s.fold * s.cols / w
		}
		f(s)
	}
}

func gcd(a, b int) int {
	for b > 0 {
		a, b = b, a%b
	}
	return a
}

// folded is the number of folded rows.
func (s span) folded() int { return s.rows / s.fold }

// bytes is the distance of folded rows.
func (s span) bytes() int { return 4 * s.fold * s.stride }

// chunks calls f with the first element of each strip of each chunk of folded
// rows, the chunk's length and the strip's first column (of a folded row).
func (s span) chunks(f func(at, rows, column int)) {
	w := width()
	for lo := 0; lo < s.folded(); lo += chunk {
		for q := range s.strips {
			f(s.first+lo*s.fold*s.stride+q*w, min(chunk, s.folded()-lo), q*w)
		}
	}
}

// rest calls f for what the strips do not cover: the first element of a piece
// of a row, and its columns lo up to hi.
func (s span) rest(f func(at, lo, hi int)) {
	covered, w := s.strips*width(), s.fold*s.cols
	if s.strips == 0 {
		w = s.cols
	}
	if covered < w { // then nothing is folded
		for i := range s.rows {
			f(s.first+i*s.stride+covered, covered, s.cols)
		}
		return
	}
	for i := s.folded() * s.fold; i < s.rows; i++ {
		f(s.first+i*s.stride, 0, s.cols)
	}
}

// spread repeats the values of a span's columns for a folded row.
func (s span) spread(to *[group]float32, from []float32) {
	for i := range s.fold {
		copy(to[i*s.cols:], from[s.first:s.first+s.cols])
	}
}

// gather adds the sums of a folded row's strip to those of its columns.
func (s span) gather(to []float64, column int, from *[lanes]float32) {
	c := column % s.cols
	for _, v := range from[:width()] {
		to[c] += float64(v)
		if c++; c == s.cols {
			c = 0
		}
	}
}
