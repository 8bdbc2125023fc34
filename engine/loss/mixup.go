package loss

// Mixed turns the sum of the losses of rows and their gradient d, which are those
// of the rows' own classes, into those of mixed rows: cross-entropy is linear in
// the target, so that a share of 1 − λ moves from one logit to another.
func (t *Targets) Mixed(d, y []float32, rows int, smoothing float64) (more float64) {
	n := len(t.Class)
	cols, k := len(y)/n, n/rows
	for i, a := range t.Class {
		b := t.Partner[i]
		if a == b {
			continue
		}
		share := (1 - t.Keep[i/k]) * float32(1-smoothing)
		at := i * cols
		d[at+int(a)] += share / float32(n)
		d[at+int(b)] -= share / float32(n)
		more += float64(share) * float64(y[at+int(a)]-y[at+int(b)])
	}
	return more * float64(rows) / float64(n)
}
