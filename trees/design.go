package trees

import "math"

// design is a table as a linear model sees it: numbers standardised, a missing one 0; a column of 0 and 1, less
// its mean, for each category.
type design struct {
	columns []Column
	width   int
	x       []float32 // rows × width
	mean    []float64 // of each column of x
	scale   []float64 // 1 / standard deviation; categories 1
}

func newDesign(columns []Column, t *watched) *design {
	p := &design{columns: columns}
	for _, c := range columns {
		p.width += max(c.Levels, 1)
	}
	p.mean, p.scale = make([]float64, p.width), make([]float64, p.width)
	p.x = make([]float32, t.n*p.width)
	at, w := 0, len(columns)
	for j := range columns {
		c := &columns[j]
		if c.Levels > 0 {
			var all float64
			for i := range t.n {
				if k := c.level(t.x[i*w+j]); k >= 0 {
					p.mean[at+k] += t.y.weight(i)
					all += t.y.weight(i)
				}
			}
			for k := range c.Levels {
				if p.scale[at+k] = 1; all > 0 {
					p.mean[at+k] /= all
				}
			}
			for i := range t.n {
				if k := c.level(t.x[i*w+j]); k >= 0 {
					for l := range c.Levels {
						p.x[i*p.width+at+l] = float32(-p.mean[at+l])
					}
					p.x[i*p.width+at+k]++
				}
			}
			at += c.Levels
			continue
		}
		value := func(i int) (float64, bool) {
			v := float64(t.x[i*w+j])
			return max(min(v, math.MaxFloat32), -math.MaxFloat32), v == v
		}
		var all, sum, squares float64
		for i := range t.n {
			if v, ok := value(i); ok {
				all += t.y.weight(i)
				sum += t.y.weight(i) * v
			}
		}
		if all > 0 {
			p.mean[at] = sum / all
			for i := range t.n {
				if v, ok := value(i); ok {
					squares += t.y.weight(i) * (v - p.mean[at]) * (v - p.mean[at])
				}
			}
			if d := math.Sqrt(squares / all); d > 1e-12*(1+math.Abs(p.mean[at])) {
				p.scale[at] = 1 / d
			}
		}
		for i := range t.n {
			if v, ok := value(i); ok {
				p.x[i*p.width+at] = float32((v - p.mean[at]) * p.scale[at])
			}
		}
		at++
	}
	return p
}

// fold turns the weights of the design into those of a model.
func (p *design) fold(m *Model, x []float64) (start, weights []float64) {
	for k := range m.Outputs {
		b := x[k*(p.width+1):]
		bias, at := b[p.width], 0
		for _, c := range p.columns {
			if c.Levels == 0 {
				w := b[at] * p.scale[at]
				weights = append(weights, w, w*p.mean[at])
				bias -= w * p.mean[at]
				at++
				continue
			}
			mean := 0.
			for l := range c.Levels {
				mean += b[at+l] * p.mean[at+l]
			}
			for l := range c.Levels {
				weights = append(weights, b[at+l]-mean)
			}
			weights = append(weights, 0)
			at += c.Levels
		}
		start = append(start, bias)
	}
	return start, weights
}
