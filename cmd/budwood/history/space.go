package history

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"budwood/search"
)

// space is the space that the trials come from. A parameter that only some trials have
// lies below the options of a choice, if the value of a choice tells which; else it is
// left out.
func (f *foreign) space(trials []*attempt) search.Space {
	for _, name := range f.order {
		if f.dims[name] == nil {
			if d := guess(name, trials); d != nil {
				if f.dims == nil {
					f.dims = map[string]*search.Dim{}
				}
				f.dims[name] = d
				f.note("parameter %s: the file does not say its range; taken for %s, as the values are", name, describe(d))
			}
		}
	}
	var names []string
	for _, name := range f.order {
		d := f.dims[name]
		if d == nil {
			f.note("parameter %s is left out: it has no value in any trial", name)
			continue
		}
		if d.Kind == search.KindChoice && len(d.Options) == 0 {
			f.note("parameter %s is left out: it has no choices", name)
			continue
		}
		names = append(names, name)
	}
	return f.level(names, trials)
}

// level is the space of some parameters in some trials.
func (f *foreign) level(names []string, trials []*attempt) search.Space {
	var out search.Space
	var some []string // trials have them
	for _, name := range names {
		if slices.ContainsFunc(trials, func(t *attempt) bool { _, ok := t.params[name]; return !ok }) {
			some = append(some, name)
			continue
		}
		d := *f.dims[name]
		d.Options = slices.Clone(d.Options)
		out = append(out, &d)
	}
	taken := map[string]bool{}
	for _, p := range out {
		d := p.Dim()
		if d.Kind != search.KindChoice {
			continue
		}
		below := make([][]string, len(d.Options)) // parameters that an option has
		for _, name := range some {
			if taken[name] {
				continue
			}
			for i := range f.decidedBy(d, name, trials, some) {
				below[i] = append(below[i], name)
				taken[name] = true
			}
		}
		for i, names := range below {
			if len(names) > 0 {
				d.Options[i].Space = f.level(names, where(d, i, trials))
			}
		}
	}
	for _, name := range some {
		if !taken[name] {
			f.note("parameter %s is left out: only some trials have it, and no choice tells which", name)
		}
	}
	return out
}

// decidedBy are the options of a choice under which trials have a parameter. There are
// none if the choice does not tell which trials have it, not even together with another
// choice that all trials with that option have.
func (f *foreign) decidedBy(d *search.Dim, name string, trials []*attempt, choices []string) map[int]bool {
	with, without := map[int]bool{}, map[int]bool{}
	for _, t := range trials {
		i := d.Index(t.params[d.Name])
		if i < 0 {
			return nil
		}
		if _, ok := t.params[name]; ok {
			with[i] = true
		} else {
			without[i] = true
		}
	}
	for i := range with {
		if !without[i] {
			continue
		}
		below := where(d, i, trials)
		if !slices.ContainsFunc(choices, func(other string) bool {
			c := f.dims[other]
			return other != name && other != d.Name && c != nil && c.Kind == search.KindChoice &&
				len(f.decidedBy(c, name, below, slices.DeleteFunc(slices.Clone(choices), func(n string) bool { return n == other }))) > 0
		}) {
			return nil
		}
	}
	return with
}

// where are the trials with an option.
func where(d *search.Dim, option int, trials []*attempt) (out []*attempt) {
	for _, t := range trials {
		if d.Index(t.params[d.Name]) == option {
			out = append(out, t)
		}
	}
	return out
}

// wide is how many times the smallest value the largest must be for a logarithmic scale.
const wide = 100

// guess is a definition that all values of a parameter fit; nil if there is none.
func guess(name string, trials []*attempt) *search.Dim {
	var all []any
	whole, numbers := true, true
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, t := range trials {
		v, ok := t.params[name]
		if !ok {
			continue
		}
		x, ok := number(v)
		if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
			numbers = false
		}
		lo, hi, whole = min(lo, x), max(hi, x), whole && x == math.Trunc(x) && math.Abs(x) < 1<<53
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	if len(all) == 0 {
		return nil
	}
	d := &search.Dim{Name: name, Kind: search.KindFloat, Lo: lo, Hi: hi, Log: lo > 0 && hi >= wide*lo}
	switch {
	case !numbers:
		slices.SortFunc(all, func(a, b any) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		d = &search.Dim{Name: name, Kind: search.KindChoice}
		for _, v := range all {
			d.Options = append(d.Options, search.Option{Value: v})
		}
	case whole:
		d.Kind = search.KindInt
	}
	return d
}

// number is a value as a number; a boolean is none.
func number(v any) (float64, bool) {
	if _, ok := v.(bool); ok {
		return 0, false
	}
	return search.Number(v)
}

// describe is a definition in a few words.
func describe(d *search.Dim) string {
	if d.Kind == search.KindChoice {
		var words []string
		for _, o := range d.Options {
			words = append(words, fmt.Sprint(o.Value))
		}
		if len(words) > 6 {
			words = append(words[:5], fmt.Sprintf("… (%d)", len(words)))
		}
		return "a choice of " + strings.Join(words, ", ")
	}
	log := ""
	if d.Log {
		log = " on a logarithmic scale"
	}
	return fmt.Sprintf("%s from %s to %s%s", d.Kind, search.FormatNumber(d.Lo), search.FormatNumber(d.Hi), log)
}
