package quant

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"budwood/engine/kernel"
)

// Calibration is how the range of a value is found from what it was on some rows.
type Calibration struct {
	Method     string  // "minmax" (or ""), "percentile" or "mse"
	Percentile float64 // of |x|, 50 to 100; of "percentile"
}

// ParseCalibration reads "minmax", "percentile: 99.99" or "mse".
func ParseCalibration(s string) (c Calibration, err error) {
	name, rest, given := strings.Cut(s, ":")
	if c.Method = strings.TrimSpace(name); c.Method == "percentile" && given {
		if c.Percentile, err = strconv.ParseFloat(strings.TrimSpace(rest), 64); err != nil {
			return c, fmt.Errorf("calibration %q: %q is not a number", s, strings.TrimSpace(rest))
		}
	} else if given {
		return c, fmt.Errorf("calibration %q: only a percentile has a number", s)
	}
	return c, c.check()
}

func (c Calibration) check() error {
	switch c.Method {
	case "", "minmax", "mse":
		return nil
	case "percentile":
		if !(c.Percentile >= 50 && c.Percentile <= 100) {
			return fmt.Errorf("calibration: percentile %v is not between 50 and 100", c.Percentile)
		}
		return nil
	}
	return fmt.Errorf("calibration %q is none of minmax, percentile: P, mse", c.Method)
}

// spread is a range of values; 0 is always in it.
type spread struct{ low, high float32 }

func (s *spread) add(x []float32) error {
	for _, v := range x {
		if v != v || math.IsInf(float64(v), 0) {
			return fmt.Errorf("a value is %v", v)
		}
		s.low, s.high = min(s.low, v), max(s.high, v)
	}
	return nil
}

// codes of a range: s = (high − low)/255 and the zero point round(−low/s).
func (s spread) codes() kernel.Codes {
	c := kernel.Codes{Scale: (s.high - s.low) / 255}
	if c.Scale < minScale {
		c.Scale = minScale
	}
	c.Zero = uint8(min(max(math.RoundToEven(float64(-s.low/c.Scale)), 0), 255))
	return c
}

// minScale is that of a value that is always 0, or too small for its quotients.
const minScale = 1e-30

// within is the range cut to ±cap.
func (s spread) within(cap float32) spread { return spread{max(s.low, -cap), min(s.high, cap)} }

// choose is the range that the method makes of values, which it may sort.
func (c Calibration) choose(values []float32) (s spread, err error) {
	if err := s.add(values); err != nil {
		return s, err
	}
	switch c.Method {
	case "percentile":
		return s.within(percentile(values, c.Percentile)), nil
	case "mse":
		return leastSquares(s, values), nil
	}
	return s, nil
}

// percentile is the least |x| that p percent of the values do not exceed.
func percentile(values []float32, p float64) float32 {
	if len(values) == 0 {
		return 0
	}
	for i, v := range values {
		values[i] = abs(v)
	}
	slices.Sort(values)
	at := int(math.Ceil(p/100*float64(len(values))-1e-9)) - 1
	return values[min(max(at, 0), len(values)-1)]
}

// leastSquares is the range, of 71 shares from .3 to 1, whose codes have the least sum of
// squared errors.
func leastSquares(all spread, values []float32) spread {
	best, least := all, math.Inf(1)
	for i := range 71 {
		f := float32(30+i) / 100
		s := spread{all.low * f, all.high * f}
		c := s.codes()
		low, high := -float32(c.Zero), 255-float32(c.Zero)
		var sum float64
		for _, v := range values {
			q := float32(math.RoundToEven(float64(min(max(v/c.Scale, low), high))))
			d := float64(q*c.Scale - v)
			sum += d * d
		}
		if sum <= least {
			best, least = s, sum
		}
	}
	return best
}
