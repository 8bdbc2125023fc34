package main

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"budwood/data"
	"budwood/learn/network"
	"budwood/search"
)

// fitted says how good the best model of a study on a table is, and what to do with it.
func (a *app) fitted(name string) error {
	w, err := a.trainedTrial(name, "")
	if err != nil {
		return err
	}
	d, predict, err := w.spec.Predictor(a.ctx, w.data, w.blobs, w.key, w.trial.ID, w.trial.Params)
	if err != nil {
		return err
	}
	rows, of := d.Test, "test rows"
	if rows == nil {
		rows, of = d.Valid, "validation rows, by which it was chosen"
	}
	var b strings.Builder
	say := func(label, format string, args ...any) { wrap(&b, label, fmt.Sprintf(format, args...)) }
	b.WriteString("\n")
	if rows == nil {
		say("score", "there are no rows to judge it on")
	} else {
		j, err := judge(d, predict, rows)
		if err != nil {
			return err
		}
		j.say(say, of)
		j.importance(say)
	}
	say("model", "%s of study %s; its weights are kept in %v", w.trial.Name(), name, w.blobs)
	say("next", "budwood predict %s NEW.csv", name)
	say("", "budwood export %s      (writes %s.onnx)", name, name)
	_, err = fmt.Fprint(a.stdout, b.String())
	return err
}

// predictor predicts rows.
type predictor = func(*data.Set) ([]network.Prediction, error)

// judged are a model's predictions of rows, and what these are.
type judged struct {
	d       *data.Data
	predict predictor
	rows    *data.Set
	list    []network.Prediction
}

func judge(d *data.Data, predict predictor, rows *data.Set) (*judged, error) {
	list, err := predict(rows)
	return &judged{d, predict, rows, list}, err
}

// truth is the target of a row of a regression, in its own unit.
func (j *judged) truth(i int) float64 {
	return float64(j.rows.Target[i])*j.d.TargetScale + j.d.TargetMean
}

// losses are those of each row: the negative logarithm of its class's probability, or the squared error.
func (j *judged) losses(list []network.Prediction) []float64 {
	out := make([]float64, len(list))
	for i, p := range list {
		if p.Value != nil {
			e := *p.Value - j.truth(i)
			out[i] = e * e
			continue
		}
		out[i] = -math.Log(max(p.Probabilities[j.rows.Class[i]], 1e-15))
	}
	return out
}

func (j *judged) class(i int) int { return slices.Index(j.d.ClassNames, j.list[i].Class) }

// say tells the score against guessing without looking, and where the errors are.
func (j *judged) say(say func(label, format string, args ...any), of string) {
	n := len(j.list)
	t := j.d.Profile.Target
	loss := j.losses(j.list)
	if j.d.Classes == 0 {
		lo, hi := interval(loss)
		own, base := math.Sqrt(mean(loss)), j.meanError()
		say("score", "RMSE %s on %s %s (95 %%: %s to %s); always the mean: %s; R² %.3f", search.FormatNumber(own), grouped(n), of, search.FormatNumber(math.Sqrt(lo)), search.FormatNumber(math.Sqrt(hi)), search.FormatNumber(base), 1-own*own/(base*base))
		if math.Sqrt(hi) >= base {
			say("warning", "that is no better than always the mean %s: the inputs tell nothing of the target, or there are too few rows", t.Always)
		}
		j.residuals(say)
		return
	}
	right := make([]float64, n)
	majority, always := 0., slices.Index(j.d.ClassNames, t.Always)
	for i := range right {
		if j.class(i) == int(j.rows.Class[i]) {
			right[i] = 1
		}
		if int(j.rows.Class[i]) == always {
			majority++
		}
	}
	majority /= float64(n)
	lo, hi := interval(right)
	say("score", "accuracy %.3f on %s %s (95 %%: %.3f to %.3f); always %q: %.3f", mean(right), grouped(n), of, lo, hi, search.OneLine(t.Always), majority)
	say("log-loss", "%.3f; the shares of the classes: %.3f", mean(loss), t.LogLoss)
	if lo <= majority {
		say("warning", "the accuracy is at the level of always guessing %q: the classes are unlike in size, the inputs tell little, or there are too few rows", search.OneLine(t.Always))
	}
	j.confusion(say)
}

// meanError is the root mean squared error of always guessing the mean of the training rows.
func (j *judged) meanError() float64 {
	sum := 0.
	for i := range j.list {
		e := j.truth(i) - j.d.TargetMean
		sum += e * e
	}
	return math.Sqrt(sum / float64(max(len(j.list), 1)))
}

// residuals are how large errors are, and in which direction.
func (j *judged) residuals(say func(label, format string, args ...any)) {
	abs := make([]float64, len(j.list))
	over := 0
	for i, p := range j.list {
		e := *p.Value - j.truth(i)
		abs[i] = math.Abs(e)
		if e > 0 {
			over++
		}
	}
	slices.Sort(abs)
	at := func(q float64) string { return search.FormatNumber(abs[int(q*float64(len(abs)-1))]) }
	say("errors", "half are within ±%s, 90 %% within ±%s, the largest is %s; %.0f %% are too high", at(.5), at(.9), at(1), 100*float64(over)/float64(len(abs)))
}

const mostConfused = 8 // classes of a table of confusions; of more the frequent confusions are listed

// confusion says which classes are taken for which.
func (j *judged) confusion(say func(label, format string, args ...any)) {
	k := j.d.Classes
	count := make([]int, k*k)
	for i := range j.list {
		count[int(j.rows.Class[i])*k+j.class(i)]++
	}
	name := func(c int) string { return clip(search.OneLine(j.d.ClassNames[c]), 14) }
	if k <= mostConfused {
		for c := range k {
			var parts []string
			for p := range k {
				parts = append(parts, fmt.Sprintf("%s %d", name(p), count[c*k+p]))
			}
			label := "is \\ said"
			if c > 0 {
				label = ""
			}
			say(label, "%s: %s", name(c), strings.Join(parts, ", "))
		}
		return
	}
	type pair struct{ is, said, n int }
	var wrong []pair
	for at, n := range count {
		if at/k != at%k && n > 0 {
			wrong = append(wrong, pair{at / k, at % k, n})
		}
	}
	slices.SortStableFunc(wrong, func(a, b pair) int { return cmp.Compare(b.n, a.n) })
	var parts []string
	for _, p := range wrong[:min(len(wrong), 6)] {
		parts = append(parts, fmt.Sprintf("%s for %s %d times", name(p.said), name(p.is), p.n))
	}
	if len(parts) > 0 {
		say("confused", "most often %s", strings.Join(parts, ", "))
	}
}

const (
	importantRows = 2000 // that importance is measured on
	shuffles      = 3
	mostImportant = 8
)

// importance says how much worse predictions are where a column's values are shuffled among
// the rows (Breiman 2001, "Random forests", section 10), all that it was encoded to together.
func (j *judged) importance(say func(label, format string, args ...any)) {
	names, parts := sourcesOf(j.d)
	if len(names) < 2 || len(names) > 500 {
		return
	}
	w := j.rows.Shape.Size()
	n := min(j.rows.Len(), importantRows)
	set := *j.rows.Head(n)
	x := make([]float32, n*w)
	set.Read(x, 0)
	set.Rows = nil
	j.rows = &set
	base := mean(j.losses(j.list[:n]))
	type worth struct {
		name string
		by   float64
	}
	var list []worth
	r := rand.New(rand.NewPCG(1, 0x696d70))
	for c, name := range names {
		sum := 0.
		for range shuffles {
			order := r.Perm(n)
			set.X = slices.Clone(x)
			for i, from := range order {
				for _, p := range parts[c] {
					copy(set.X[i*w+p[0]:i*w+p[1]], x[from*w+p[0]:from*w+p[1]])
				}
			}
			got, err := j.predict(&set)
			if err != nil {
				return
			}
			sum += mean(j.losses(got))
		}
		by := sum/shuffles - base
		if j.d.Classes == 0 {
			by = math.Sqrt(max(sum/shuffles, 0)) - math.Sqrt(base)
		}
		list = append(list, worth{name, by})
	}
	slices.SortStableFunc(list, func(a, b worth) int { return cmp.Compare(b.by, a.by) })
	var out []string
	for _, v := range list[:min(len(list), mostImportant)] {
		out = append(out, fmt.Sprintf("%s %+.3g", search.OneLine(v.name), v.by))
	}
	if more := len(list) - mostImportant; more > 0 {
		out = append(out, fmt.Sprintf("… and %d more", more))
	}
	unit := "log-loss"
	if j.d.Classes == 0 {
		unit = "RMSE"
	}
	say("columns", "%s without one of them (its values shuffled): %s", unit, strings.Join(out, ", "))
}

// sourcesOf are the columns of the file, and where in an encoded row their values lie.
func sourcesOf(d *data.Data) (names []string, parts [][][2]int) {
	owner := map[string]string{}
	if d.Profile != nil {
		for _, c := range d.Profile.Columns {
			for _, p := range c.Parts {
				owner[c.Name+" "+p] = c.Name
			}
		}
	}
	at := 0
	for _, c := range d.Preparation.Columns {
		width := c.Width()
		name := cmp.Or(owner[c.Name], c.Name)
		k := slices.Index(names, name)
		if k < 0 {
			k = len(names)
			names, parts = append(names, name), append(parts, nil)
		}
		parts[k] = append(parts[k], [2]int{at, at + width})
		at += width
	}
	if at != d.Features {
		return nil, nil
	}
	return names, parts
}

func mean(x []float64) float64 {
	sum := 0.
	for _, v := range x {
		sum += v
	}
	return sum / float64(max(len(x), 1))
}

// interval are the 2.5 % and 97.5 % quantiles of the means of 1,000 samples with replacement (the
// percentile bootstrap of Efron & Tibshirani 1993, section 13.3).
func interval(x []float64) (lo, hi float64) {
	if len(x) == 0 {
		return 0, 0
	}
	r := rand.New(rand.NewPCG(1, 0x626f6f74))
	means := make([]float64, 1000)
	for i := range means {
		sum := 0.
		for range x {
			sum += x[r.IntN(len(x))]
		}
		means[i] = sum / float64(len(x))
	}
	slices.Sort(means)
	return means[25], means[974]
}
