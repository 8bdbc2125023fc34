package main

import (
	"math"
	"os"
	"slices"

	charts "budwood/report"
)

// draw writes a picture of the regret left after each evaluation: the geometric
// mean of all runs on all problems, none counted as less than the floor.
func (r *report) draw(file, title, unit string) error {
	if file == "" {
		return nil
	}
	c := charts.Chart{Title: title, X: unit, Y: "regret", LogX: true, LogY: true, Width: 720, Height: 420}
	for _, s := range r.samplers {
		line := charts.Series{Name: s}
		for n := 1; ; n++ {
			sum, count := 0., 0
			for _, p := range r.problems {
				for _, run := range r.runs[[2]string{p, s}] {
					if n <= len(run) {
						sum += math.Log(max(run[n-1], floor))
						count++
					}
				}
			}
			if count == 0 {
				break
			}
			mean := math.NaN()
			if y := math.Exp(sum / float64(count)); y < 10 { // before the first result there is none
				mean = y
			}
			line.X, line.Y = append(line.X, float64(n)), append(line.Y, mean)
		}
		if slices.ContainsFunc(line.Y, func(y float64) bool { return y == y }) {
			c.Series = append(c.Series, line)
		}
	}
	return os.WriteFile(file, []byte(c.SVG()+"\n"), 0o644)
}
