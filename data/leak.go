package data

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

const (
	leakRows  = 8000 // of which half fit and half judge
	leakClass = .98  // of the errors of always guessing the most frequent class are gone
	leakR2    = .99
)

// leaks warns of columns which alone predict the target nearly perfectly: of numbers by
// what the target is like between quantiles, of categories by what it is like with each,
// fitted on one half of the rows and judged on the other.
func (p *Profile) leaks(t *table, task Task, c *column) {
	var rows []int
	of := func(int) int { return 0 }
	if task == Classification {
		names := make([]string, len(p.Target.Classes))
		for k, class := range p.Target.Classes {
			names[k] = class.Name
		}
		of = classOf(names, c)
	}
	has := func(row int) bool {
		if task == Classification {
			return of(row) >= 0
		}
		return !math.IsNaN(c.num[row])
	}
	for row := range p.Rows {
		if has(row) {
			rows = append(rows, row)
		}
	}
	if step := len(rows) / leakRows; step > 0 {
		n := 0
		for i := 0; i < len(rows); i += step + 1 {
			rows[n] = rows[i]
			n++
		}
		rows = rows[:n]
	}
	if len(rows) < 40 {
		return
	}
	for _, in := range t.columns {
		if in.words != nil || in.distinct() < 2 {
			continue
		}
		bin := in.bins(rows)
		var said string
		if task == Classification {
			if share, gain := classesBy(bin, rows, of, len(p.Target.Classes)); gain >= leakClass {
				said = fmt.Sprintf("accuracy %.3f", share)
			}
		} else if r2 := meansBy(bin, rows, c.num); r2 >= leakR2 {
			said = fmt.Sprintf("R² %.3f", r2)
		}
		if said != "" {
			p.Warnings = append(p.Warnings, fmt.Sprintf("column %s alone predicts the target nearly perfectly (%s): if it is not known before the target is, that is leakage; leave it out with ignore: [%s]", quote(in.name), said, key(in.name)))
		}
	}
}

// fits says which half the i-th row is of: rows may be in an order of their own.
func fits(i int) bool { return uint32(i)*2654435761>>16&1 == 0 }

// bins are the parts that a column divides rows into: its categories, or at most 256
// ranges of numbers between quantiles of the rows that fit; 0 is missing.
func (c *column) bins(rows []int) []int {
	out := make([]int, len(rows))
	if c.text {
		for i, row := range rows {
			out[i] = int(c.code[row]) + 1
		}
		return out
	}
	var sorted []float64
	for i, row := range rows {
		if x := c.num[row]; fits(i) && !math.IsNaN(x) {
			sorted = append(sorted, x)
		}
	}
	slices.Sort(sorted)
	values := slices.Compact(slices.Clone(sorted))
	edges := values
	if most := max(min(256, len(sorted)/5), 2); len(values) > most {
		edges = slices.Compact(knots(sorted, most))
	}
	for i, row := range rows {
		if x := c.num[row]; !math.IsNaN(x) {
			at, found := slices.BinarySearch(edges, x)
			if !found && len(edges) == len(values) && at > 0 && (at == len(edges) || x-edges[at-1] < edges[at]-x) {
				at-- // to the nearest one
			}
			out[i] = at + 1
		}
	}
	return out
}

// classesBy is the accuracy of guessing the most frequent class of the same bin, and which share of the errors of the most frequent one are gone.
func classesBy(bin, rows []int, of func(int) int, classes int) (accuracy, gain float64) {
	n := slices.Max(bin) + 1
	count := make([]int, n*classes)
	all := make([]int, classes)
	for i, row := range rows {
		if !fits(i) {
			continue
		}
		k := of(row)
		count[bin[i]*classes+k]++
		all[k]++
	}
	best := func(count []int) int {
		most := 0
		for k, c := range count {
			if c > count[most] {
				most = k
			}
		}
		return most
	}
	always := best(all)
	guess := make([]int, n)
	for b := range guess {
		own := count[b*classes : (b+1)*classes]
		if guess[b] = best(own); own[guess[b]] == 0 {
			guess[b] = always
		}
	}
	right, base, m := 0, 0, 0
	for i, row := range rows {
		if fits(i) {
			continue
		}
		k := of(row)
		m++
		if guess[bin[i]] == k {
			right++
		}
		if always == k {
			base++
		}
	}
	if base == m {
		return 1, 0
	}
	return float64(right) / float64(m), float64(right-base) / float64(m-base)
}

// meansBy is R² of guessing the mean of the same bin.
func meansBy(bin, rows []int, y []float64) float64 {
	n := slices.Max(bin) + 1
	sum, count := make([]float64, n), make([]float64, n)
	total, m := 0., 0.
	for i := range rows {
		if !fits(i) {
			continue
		}
		sum[bin[i]] += y[rows[i]]
		count[bin[i]]++
		total += y[rows[i]]
		m++
	}
	mean := total / m
	var left, all float64
	for i := range rows {
		if fits(i) {
			continue
		}
		guess := mean
		if b := bin[i]; count[b] > 0 {
			guess = sum[b] / count[b]
		}
		left += (y[rows[i]] - guess) * (y[rows[i]] - guess)
		all += (y[rows[i]] - mean) * (y[rows[i]] - mean)
	}
	return 1 - left/cmp.Or(all, 1)
}
