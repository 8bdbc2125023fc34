package data

import "io"

// ReadNPY reads an array of numbers in NumPy's format: its sizes, and its values in
// row-major order.
func ReadNPY(r io.Reader) (Shape, []float32, error) {
	a, err := readNPY(r)
	if err != nil {
		return nil, nil, err
	}
	out := make([]float32, len(a.bytes)/a.width)
	for i := range out {
		out[i] = float32(a.at(i))
	}
	return a.dims, out, nil
}
