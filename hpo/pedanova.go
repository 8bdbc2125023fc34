package hpo

import (
	"math"

	"budwood/search"
)

// PEDANOVA says which parameters decide whether a trial is among the best: the
// Pearson divergence of the density of a parameter's values in the top γ of the
// trials from the prior (Watanabe, Bansal & Hutter 2023, Section 4.1). It takes a
// moment even for many trials. Top is γ; 0 means 0.1, and at least 8 trials or a
// third of them. A parameter that exists in some trials only is compared among those
// and counts by their share.
//
// Unlike in the paper, what as many random trials would show is subtracted, so
// that a parameter without influence comes out near 0 in a short study too. The
// result is nil for fewer than 8 trials with a loss.
func PEDANOVA(space search.Space, trials []search.Record, o search.Objective, top float64) []Importance {
	s := newSample(space, trials, o)
	if len(s.loss)-s.broken < importanceTrials {
		return nil
	}
	if !(top > 0 && top < 1) {
		top = .1
	}
	out := make([]float64, len(s.c.dims))
	for k, d := range s.c.dims {
		var u []float64 // best first
		for _, x := range s.x {
			if x[k] == x[k] {
				u = append(u, x[k])
			}
		}
		n := max(int(math.Ceil(top*float64(len(u)))), min(importanceTrials, len(u)/3))
		if n < 2 || n == len(u) {
			continue
		}
		out[k] = divergence(d, u[:n]) * float64(len(u)) / float64(len(s.x))
	}
	return s.shares(out)
}

// divergence is ∫ (p − 1)² of the density p of values in [0,1], less what is
// expected of as many uniform ones, at least 0.
func divergence(d *search.Dim, u []float64) float64 {
	cells := d.Size()
	choice := d.Kind == search.KindChoice && !d.Ordered
	if cells == 0 || cells > 50 {
		cells = 50
	}
	if cells < 2 {
		return 0
	}
	n, m := float64(len(u)), float64(cells)
	sigma := 0. // Scott's rule, no less than half a cell
	if !choice {
		mean, square := 0., 0.
		for _, x := range u {
			mean, square = mean+x/n, square+x*x/n
		}
		sigma = max(1.06*math.Sqrt(max(square-mean*mean, 0))*math.Pow(n, -.2), .5/m)
	}
	// One uniform kernel is the prior; the others are scaled by 1/(n+1).
	kernel, density := make([]float64, cells), make([]float64, cells)
	for _, x := range u {
		mass(kernel, x, sigma)
		for j, k := range kernel {
			density[j] += k
		}
	}
	found := 0.
	for _, p := range density {
		p = (p*m + 1) / (n + 1)
		found += (p - 1) * (p - 1) / m
	}
	// Of uniform values: the variance of the mean kernel, and its bias at the edges.
	mean, square := make([]float64, cells), make([]float64, cells)
	for i := range cells {
		mass(kernel, (float64(i)+.5)/m, sigma)
		for j, k := range kernel {
			mean[j] += k
			square[j] += k * k * m
		}
	}
	chance := 0.
	for j := range mean {
		shrink := n / (n + 1)
		chance += shrink * shrink * ((square[j]-mean[j]*mean[j])/n + (mean[j]-1)*(mean[j]-1)) / m
	}
	return max(found-chance, 0)
}

// mass is that of a normal kernel at x in equal cells of [0,1], in all 1; with
// sigma 0 all of it is in the cell of x.
func mass(out []float64, x, sigma float64) {
	n := len(out)
	if sigma == 0 {
		clear(out)
		out[cell(x, n)] = 1
		return
	}
	below := cdf(-x / sigma)
	inside := cdf((1-x)/sigma) - below
	for j := range out {
		above := cdf((float64(j+1)/float64(n) - x) / sigma)
		out[j] = (above - below) / inside
		below = above
	}
}
