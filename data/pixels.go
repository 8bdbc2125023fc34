package data

import (
	"math"
	"slices"
)

// pixels are images as they lie in their files: a table with a column for each
// value would cost more than the images themselves.
type pixels struct {
	arrays []array // one behind the other
	number standard
}

// row is the array that an image is in, and where it begins there.
func (p *pixels) row(i int) (a array, from int) {
	for _, a := range p.arrays {
		if i < a.dims[0] {
			return a, i * a.row()
		}
		i -= a.dims[0]
	}
	panic("data: no such image")
}

// fitPixels measures the training images, all values alike; NaN, which is missing,
// does not count. It returns how many are missing, too.
func fitPixels(p *pixels, train []int, image Shape) (e *encoder, missing int, err *Error) {
	if n := p.arrays[0].row(); image.Size() != n {
		return nil, 0, imageFault(image, n)
	}
	var m moments
	values, all := make([]float64, len(train)), count(len(train))
	for j := range image.Size() {
		for i, row := range train {
			a, from := p.row(row)
			values[i] = a.at(from + j)
			if math.IsNaN(values[i]) {
				missing++
			}
		}
		m.add(values, all)
	}
	p.number = standard{m.mean(), m.scale()}
	return &encoder{shape: slices.Clone(image), pixels: p}, missing, nil
}

// put encodes an image.
func (p *pixels) put(out []float32, row int) {
	a, from := p.row(row)
	for j := range out {
		if v := a.at(from + j); !math.IsNaN(v) {
			p.number.put(out[j:], v)
		}
	}
}
