package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"budwood/hpo"
	"budwood/hpo/scheduler"
	"budwood/search"
	"budwood/search/searchtest"
)

// study is one of a hundred trials under ASHA, with branches, two objectives and
// some odd trials.
func study(t *testing.T) *Study {
	t.Helper()
	p := searchtest.MixCond()
	objectives := []search.Objective{{Metric: "loss", Goal: search.Minimize}, {Metric: "energy_wh", Goal: search.Minimize}}
	r, err := searchtest.Simulate(searchtest.Simulation{
		Space: p.Space, Objectives: objectives, Sampler: hpo.TPE{}, Scheduler: &scheduler.ASHA{Max: 27}, Trials: 100, Parallel: 2,
		Objective: func(trial int, at search.Params, from, to int) ([]float64, float64, search.State) {
			v := p.F(at) + 1/float64(to)
			if trial == 13 {
				return nil, 1, search.Diverged
			}
			return []float64{v, v * float64(trial%7+1)}, 1, search.Paused
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Records[14].Reason = `<script>alert("no")</script>`
	r.Records[3].Notes = []string{"from epoch 4 on", "mesh: measured 1.3 ms a step"}
	r.Records[15].Measurements[0].Metrics["loss"] = math.Inf(1)
	for i := range r.Records {
		r.Records[i].Joules = float64(i)
	}
	return &Study{Name: "mix & match", State: "completed", Space: p.Space, Objectives: objectives, Trials: r.Records}
}

// The page is well formed, needs nothing from elsewhere, and shows what it should.
func TestPage(t *testing.T) {
	var b strings.Builder
	s := study(t)
	if err := Write(&b, s); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"mix &amp; match", "Learning curves", "PED-ANOVA", "Best value for the energy", "Two parameters that matter", "Parallel coordinates", "Two objectives", "t0099", "rung 3:", "&lt;script&gt;", "<tr><td>t0003</td><td class=\"words\"><div>measured 1.3 ms a step</div></td></tr>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, not := range []string{"<script", "NaN", "+Inf", "src=", "href=", "from epoch 4 on"} {
		if strings.Contains(text, not) {
			t.Errorf("the page holds %q", not)
		}
	}
}

func TestChartsAreWellFormed(t *testing.T) {
	s := study(t)
	front := s.frontCharts(search.ParetoFront(s.Trials, s.Objectives))[0]
	bars, _ := s.importance()
	pair, _ := s.pair(bars)
	price, _ := s.price()
	charts := []string{s.trace().SVG(), s.curves().SVG(), s.parallel().SVG(), front.SVG(), pair.SVG(), price.SVG(), bars.SVG(), Chart{}.SVG(), Bars{}.SVG(), Parallel{}.SVG(),
		Chart{LogY: true, Series: []Series{{Name: "<&>", X: []float64{1, 2, 3}, Y: []float64{0, -1, math.NaN()}}}}.SVG(),
		Chart{Series: []Series{{X: []float64{1, 2}, Y: []float64{1, 2}, Low: []float64{0, 1}, High: []float64{2, 3}}}}.SVG()}
	for _, c := range s.slices() {
		charts = append(charts, c.SVG())
	}
	for _, svg := range charts {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			_, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Errorf("not a position: %s", svg)
		}
	}
}

// The incumbent's line ends at the last trial, whose number is larger than the
// trials that count where some are set aside; a line of one point is a point.
func TestIncumbentsEndAtTheLastTrial(t *testing.T) {
	space := search.Space{search.Float("x", 0, 1).Dim()}
	s := made("aside", space, 20, search.Objective{Metric: "loss"})
	s.Trials = slices.DeleteFunc(s.Trials, func(r search.Record) bool { return r.ID < 19 && r.ID%3 == 1 })
	best := s.trace().Series[1]
	if last := best.X[len(best.X)-1]; last != 19 || !slices.IsSorted(best.X) {
		t.Errorf("the line goes to %v, want sorted up to 19", best.X)
	}
	price, _ := made("one", space, 1, s.main()).price()
	if n := len(price.Series[0].X); n != 1 || !strings.Contains(price.SVG(), "<circle") {
		t.Errorf("one trial: %d points in %s", n, price.SVG())
	}
}

// A text that is too long for its place is cut, and the browser shows the whole.
func TestTextsAreFitted(t *testing.T) {
	for s, want := range map[string]string{"gamma": "gamma", "learning_rate": "learnin…", "WWWWWW": "WWWW…", "日本語の名前": "日本語…", "": ""} {
		if got := fit(s, 61); got != want || breadth(got) > 62 {
			t.Errorf("%s: %s, want %s", s, got, want)
		}
	}
	var b strings.Builder
	fitted(&b, 0, 0, "start", "", "learning_rate & more", 61)
	if !strings.Contains(b.String(), ">learnin…<title>learning_rate &amp; more</title>") {
		t.Error(b.String())
	}
}

// There are as many legends, categories and labels as have room.
func TestManyNamesHaveRoom(t *testing.T) {
	var names []string
	var c Chart
	for i := range 50 {
		names = append(names, strings.Repeat("name", 1+i%9))
		c.Series = append(c.Series, Series{Name: names[i], X: []float64{float64(i)}, Y: []float64{1}})
	}
	if _, lines := c.legend(400); lines < 20 || lines > 40 {
		t.Errorf("%v lines of a legend", lines)
	}
	svg := Chart{Names: names, Series: []Series{{Kind: Dots, X: []float64{0, 49}, Y: []float64{1, 2}}}}.SVG()
	if n := strings.Count(svg, "rotate(-90)") - 1; n < 15 || n > 30 {
		t.Errorf("%d of 50 names stand below 400 pixels: %s", n, svg)
	}
	p := Parallel{Order: []float64{0}, Columns: []Column{{Values: []float64{3}, Labels: names}}}
	if n := strings.Count(p.SVG(), `text-anchor="start"`) - 1; n < 15 || n > 20 {
		t.Errorf("%d of 50 labels beside an axis of 264 pixels", n)
	}
}

func TestEmptyStudy(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, &Study{Name: "empty", Objectives: []search.Objective{{Metric: "loss"}}}); err != nil {
		t.Fatal(err)
	}
	if err := Write(&b, &Study{Name: "none"}); err == nil {
		t.Error("no error without an objective")
	}
}

func TestTicksAreRoundAndInside(t *testing.T) {
	for _, c := range []struct {
		log    bool
		lo, hi float64
		want   string
	}{
		{false, 0, 1, "0 0.2 0.4 0.6 0.8 1"},
		{false, -3, 47, "0 10 20 30 40"},
		{true, 1e-4, .1, "0.0001 0.001 0.01 0.1"},
		{true, 1, 51, "1 2 5 10 20 50"},
		{false, 1e6, 3e6, "1M 1.5M 2M 2.5M 3M"},
		{false, 0, 250_000, "0 50000 100000 150000 200000 250000"},
		{false, .987651, .987659, "0.987652 0.987654 0.987656 0.987658"},
		{false, -4e-5, 4e-5, "-4e-5 -2e-5 0 2e-5 4e-5"},
		{true, 1e-6, 1e-2, "1e-6 1e-5 0.0001 0.001 0.01"},
		{true, 1e4, 1e8, "10000 100000 1M 10M 100M"},
		{false, 1e9, 3e9, "1G 1.5G 2G 2.5G 3G"},
		{false, 1e18, 3e18, "1e18 1.5e18 2e18 2.5e18 3e18"},
	} {
		a := axis{lo: c.lo, hi: c.hi, log: c.log, to: 1}
		if s := strings.Join(a.labels(a.ticks(5)), " "); s != c.want {
			t.Errorf("%v to %v: %s, want %s", c.lo, c.hi, s, c.want)
		}
	}
}
