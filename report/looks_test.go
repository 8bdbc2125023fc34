package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"budwood/data"
	"budwood/nas"
	"budwood/search"
)

// Every kind of page looks right on a telephone, in half a window and in a whole
// one: no text leaves its chart or lies over another, and the page itself is never
// scrolled sideways. The browser sees what is wrong with pages that are broken.
func TestPagesInABrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	pages := map[string]string{}
	for name, s := range kinds(t) {
		var b strings.Builder
		if err := Write(&b, s); err != nil {
			t.Fatal(err)
		}
		pages[name] = b.String()
	}
	keep(t, pages)
	for name, body := range map[string]string{
		"sound":    chart(`<text x="9" y="20">one</text><text x="99" y="20">two</text>`),
		"leak":     chart(`<style>text{text-anchor:middle}</style>`) + chart(`<text x="90" y="20">one</text>`),
		"leaves":   chart(`<text x="190" y="20">too far to the right</text>`),
		"overlaps": chart(`<text x="9" y="20">one</text><text x="12" y="22">two</text>`),
		"small":    chart(`<text x="9" y="20" font-size="6">one</text>`),
		"wide":     `<table><tr><td style="min-width:3000px">one</td></tr></table>`,
		"sticks":   `<table><tr><td><div style="width:20px">overlong</div></td></tr></table>`,
		"over":     `<p>one</p><p style="margin-top:-30px">two</p>`,
		"loads":    `<p>one</p><img src="logo.png">`,
	} {
		pages["broken: "+name] = "<!doctype html><title>" + name + "</title><body><h1></h1><h2></h2><dl></dl><p></p><p></p>" + body
	}
	want := []string{
		"a page loads /logo.png",
		"broken: leak at 900: the style of a picture leaks to “<text x=\"90\" y=\"20\">one</text>”",
		"broken: leaves at 900: leaves its chart: “too far to the right”",
		"broken: overlaps at 900: “one” and “two” overlap",
		"broken: over at 900: “one” and “two” lie over each other",
		"broken: small at 900: too small to read, 6.0 pixels: “one”",
		"broken: sticks at 900: sticks out of its div: “overlong”",
		"broken: wide at 900: the page scrolls sideways: 3014 of 900 pixels",
	}
	var seen []string
	for _, f := range faults(t, pages, 400, 900, 1600) {
		switch page, rest, _ := strings.Cut(f, " at "); {
		case strings.HasPrefix(rest, "900") && strings.HasPrefix(page, "broken: ") || rest == "":
			seen = append(seen, f)
		case !strings.HasPrefix(page, "broken: "):
			t.Error(f)
		}
	}
	if slices.Sort(seen); !slices.Equal(seen, slices.Sorted(slices.Values(want))) {
		t.Errorf("the browser sees\n%s\nwant\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

func chart(inside string) string {
	return `<svg viewBox="0 0 200 100" width="200" height="100">` + inside + `</svg>`
}

// kinds are studies of all kinds, each with what is awkward to draw.
func kinds(t *testing.T) map[string]*Study {
	loss := search.Objective{Metric: "loss", Goal: search.Minimize}
	accuracy := search.Objective{Metric: "valid_accuracy", Goal: search.Maximize}
	training := search.Space{
		search.LogFloat("lr", 3e-4, .03).Dim(), search.Int("layers", 1, 3).Dim(), search.Int("width", 32, 256, search.Log).Dim(),
		search.Choice("act", "relu", "gelu", "tanh").Dim(), search.Float("dropout", 0, .4).Dim(), search.Ordinal("batch", 32, 64, 128).Dim(),
	}
	plain := made("digits", training, 40, accuracy)
	plain.Test = search.Metrics{"accuracy": .9884, "loss": .05607}

	network := made("digits-nas", search.Space{training[0]}, 30, accuracy)
	network.Network = drawn(t, "[conv(16) batchnorm relu maxpool (skip + [conv(24) relu]) (& conv(8) [conv(4) tanh]) <relu skip conv none skip conv(0,1)> globalpool]", data.Shape{32, 32, 3})
	network.Params = func(search.Params) string {
		return "[conv(16,3) relu (skip + [conv(24,3) relu]) globalpool] lr=0.00031"
	}
	small := made("row", nil, 8, loss)
	small.Network = drawn(t, "[linear(512) relu linear(512) relu]", data.Shape{8, 8, 2})

	small.Params = func(search.Params) string { return "[linear(512) relu linear(512) relu]" }

	three := made("three", training, 60, accuracy, search.Objective{Metric: "predict_microseconds"}, search.Objective{Metric: "params"})
	for i := range three.Trials {
		three.Trials[i].Measurements[0].Metrics["params"] *= 3e7
	}

	command := made("train.py", search.Space{
		search.Choice("optimizer", "adamw", "sgd with Nesterov momentum", "shampoo", "lion", "adafactor", "lamb").Dim(),
		search.Float("--label-smoothing-of-the-second-head", 0, 1e-5).Dim(), search.Int("tokens", 1_000_000, 3_000_000).Dim(),
	}, 30, search.Objective{Metric: "perplexity/validation (per word, exponential moving average)"})
	for i := range command.Trials {
		r := &command.Trials[i]
		r.Measurements[0].Metrics[command.Objectives[0].Metric] = 2.5e6 + float64(i)
		if i%5 == 0 {
			r.State, r.Measurements, r.Reason = search.Failed, nil, "the command ended with exit status 1: Traceback (most recent call last): File \"/home/me/src/experiments/train.py\", line 311"
		}
	}

	failed := made("failed", training, 12, loss)
	failed.State, failed.Reason = "failed", "12 trials failed one after the other: "+strings.Repeat("cannot open /data/images/train/shard-00000-of-01024; ", 6)
	for i := range failed.Trials {
		failed.Trials[i].State, failed.Trials[i].Measurements, failed.Trials[i].Reason = search.Failed, nil, "no such file or directory"
	}

	aside := made("aside", training, 30, accuracy)
	for i := range 11 {
		aside.Trials[2*i].Aside = "its objective had another version (3f2a91c) than now (77be012)"
	}

	one := made("one", training, 1, loss)
	near := made("near", training, 25, loss)
	for i := range near.Trials {
		near.Trials[i].Measurements[0].Metrics["loss"] = .98765 + 1e-6*float64(i%7)
	}
	return map[string]*Study{
		"plain": plain, "architecture": network, "row": small, "two": study(t), "three": three, "command": command, "failed": failed, "aside": aside,
		"one": one, "many": made("many", training[:4], 2000, loss), "long": long(), "near": near,
		"none": {Name: "none", State: "running", Space: training, Objectives: []search.Objective{loss}},
	}
}

// long is a study whose names, options, values and reasons are as long as they may
// be, and many.
func long() *Study {
	var space search.Space
	for i := range 24 {
		space = append(space, search.LogFloat(fmt.Sprintf("block_%02d.attention.projection.learning_rate_multiplier", i), 1e-9, 1e9).Dim())
	}
	var names []string
	for i := range 40 {
		names = append(names, fmt.Sprintf("augmentation-policy-%02d-of-forty", i))
	}
	space = append(space, search.Choice("policy", names...).Dim(), search.Choice("mode", "a", "b", "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW").Dim(), search.Choice("言語", "日本語のとても長い名前の選択肢です", "中文").Dim())
	word := func(n int) string { return strings.Repeat("abcdefghij", n/10) }
	s := made(word(120), space, 30, search.Objective{Metric: "valid_" + word(190)}, search.Objective{Metric: "MAXIMUM_" + strings.ToUpper(word(190)), Goal: search.Maximize})
	for i := range s.Trials {
		r := &s.Trials[i]
		r.Source = "warm start: " + word(60) + " t0012"
		r.Reason = word(2000)
		if i%2 == 0 {
			r.Reason = strings.Repeat("the reason is a long story ", 60)
		}
		for k := range r.Measurements[0].Metrics {
			r.Measurements[0].Metrics[k] *= -1.2345678e11
		}
	}
	return s
}

// made is a study of n trials drawn at random, of one measurement each, whose
// objectives depend on the parameters.
func made(name string, space search.Space, n int, objectives ...search.Objective) *Study {
	s := &Study{Name: name, State: "completed", Space: space, Objectives: objectives, Curves: map[int][]search.Measurement{}}
	for i := range n {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		p := space.Sample(r)
		v := 0.
		for _, d := range space.Dims() {
			if x, ok := search.Number(p[d.Name]); ok && d.Kind != search.KindChoice {
				v += math.Abs(math.Log1p(x))
			}
		}
		t := search.Record{Trial: search.Trial{ID: i, Params: p, Source: "tpe"}, State: search.Completed, Joules: 3 + float64(i%5)}
		m := search.Metrics{}
		for k, o := range objectives {
			m[o.Metric] = 1/(1+v) + float64(k)*r.Float64() + .1*r.Float64()
		}
		t.Measurements = []search.Measurement{{Budget: 9, Metrics: m}}
		for e := range 9 {
			s.Curves[i] = append(s.Curves[i], search.Measurement{Budget: e + 1, Metrics: search.Metrics{objectives[0].Metric: m[objectives[0].Metric] + .5/float64(e+1)}})
		}
		s.Trials = append(s.Trials, t)
	}
	return s
}

// drawn is a network as the command draws it.
func drawn(t *testing.T, tree string, in data.Shape) Network {
	t.Helper()
	var g nas.Genome
	if err := g.UnmarshalText([]byte(tree)); err != nil {
		t.Fatal(err)
	}
	net, err := g.Network(in, 10)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := nas.Draw(&b, net, in); err != nil {
		t.Fatal(err)
	}
	return Network{Drawing: b.String(), About: "network  44890 parameters, 1048576 multiply-accumulates a row; 1.2 MiB to train in batches of 64, 0.3 MiB to predict\n" +
		"lineage  t0029  from t0011: conv(16,3) → conv(24,3), with its weights (88 % of the tensors)\n         t0011  drawn at random\n"}
}
