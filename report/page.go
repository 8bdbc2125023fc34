package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"
	"strings"

	"budwood/search"
)

// Write writes the study as one HTML page: incumbents, learning curves, the best
// value for the energy, the front of several objectives (of all of them), the importance of
// parameters, the trials over two that matter, slices, parallel coordinates,
// the network that was found, budgets, and every trial with the reason of its end.
// The page loads nothing and has no script.
func Write(w io.Writer, s *Study) error {
	if len(s.Objectives) == 0 {
		return fmt.Errorf("report on study %q: it has no objective", s.Name)
	}
	return page.Execute(w, newView(s))
}

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

// view is what the template reads.
type view struct {
	*Study
	Goal    string
	Facts   [][2]string
	Charts  []template.HTML
	Drawing template.HTML
	Slices  []template.HTML
	Wide    []template.HTML
	Empty   string // why there is nothing to draw
	Rungs   []rung
	Front   []frontRow  // with several objectives
	Meshes  [][2]string // trials, and what their steps took on a mesh
	Rows    []row
	Omitted int // trials that are not among the rows
	Beyond  int // trials of the front that are not in its table
}

// row is a trial in the table.
type row struct {
	Name, State, Value, Params, From, Reason string
	Epochs                                   int
	WattHours                                string
	Front                                    bool // it is on the Pareto front
	Aside                                    bool
}

// mostRows bounds the table of trials.
const mostRows = 500

func newView(all *Study) view {
	counted := *all
	counted.Trials = search.Counted(all.Trials)
	s := &counted
	o := s.main()
	v := view{Study: s, Rungs: s.rungs(), Drawing: template.HTML(s.Network.Drawing)}
	for i, o := range s.Objectives {
		if i > 0 {
			v.Goal += ", "
		}
		v.Goal += string(cmp.Or(o.Goal, search.Minimize)) + " " + o.Metric
	}
	counts, epochs, joules := map[string]int{}, 0, 0.
	for i := range all.Trials {
		r := &all.Trials[i]
		counts[string(r.State)]++
		joules += r.Joules
		epochs += r.Epochs()
	}
	fact := func(k, format string, args ...any) {
		v.Facts = append(v.Facts, [2]string{k, fmt.Sprintf(format, args...)})
	}
	fact("state", "%s", s.State)
	if s.Reason != "" {
		fact("reason", "%s", s.Reason)
	}
	fact("trials", "%d: %d completed, %d stopped early, %d diverged, failed or infeasible", len(all.Trials), counts["completed"],
		counts["stopped"], counts["diverged"]+counts["failed"]+counts["infeasible"])
	if n := len(all.Trials) - len(s.Trials); n > 0 {
		fact("set aside", "%d: in grey at the end of the table, and nowhere else", n)
	}
	fact("spent", "%d epochs, %.3g Wh", epochs, joules/3600)
	order := s.byValue()
	if len(order) > 0 {
		if best := &s.Trials[order[0]]; value(best, o) == value(best, o) {
			fact("best", "%s: %s %s with %s", best.Name(), o.Metric, search.FormatNumber(value(best, o)), s.params(best))
		}
	}
	for _, k := range []string{"accuracy", "loss", "rmse", "r2"} {
		if x, ok := s.Test[k]; ok {
			fact("test "+k, "%s", search.FormatNumber(x))
		}
	}
	if len(all.Trials) == 0 {
		return v
	}
	var front search.Front
	if len(s.Objectives) > 1 {
		front = search.ParetoFront(s.Trials, s.Objectives)
		fact("front", "%v", front)
		v.Front = s.frontRows(front)
		v.Beyond = len(front.Trials) - len(v.Front)
	}
	if len(order) == 0 || math.IsNaN(value(&s.Trials[order[0]], o)) {
		v.Empty = fmt.Sprintf("There is nothing to draw: no trial has a value of %s.", o.Metric)
	} else {
		s.draw(&v, front)
	}
	v.Meshes = meshes(all.Trials)
	for n, i := range order {
		if n == mostRows {
			v.Omitted = len(order) - n
			break
		}
		line := s.row(&s.Trials[i])
		line.Front = front.Has(s.Trials[i].ID)
		v.Rows = append(v.Rows, line)
	}
	for i := range all.Trials {
		switch r := &all.Trials[i]; {
		case r.Aside == "":
		case len(v.Rows) < 2*mostRows:
			v.Rows = append(v.Rows, s.row(r))
		default:
			v.Omitted++
		}
	}
	return v
}

// meshes are the notes of trials on their meshes: what was chosen, and measured beside what
// was predicted.
func meshes(trials []search.Record) (lines [][2]string) {
	for i := range trials {
		for _, note := range trials[i].Notes {
			if text, ok := strings.CutPrefix(note, "mesh: "); ok && len(lines) < mostRows {
				lines = append(lines, [2]string{trials[i].Name(), text})
			}
		}
	}
	return lines
}

// draw adds the charts.
func (s *Study) draw(v *view, front search.Front) {
	v.Charts = append(v.Charts, template.HTML(s.trace().SVG()), template.HTML(s.curves().SVG()))
	if c, ok := s.price(); ok {
		v.Charts = append(v.Charts, template.HTML(c.SVG()))
	}
	for _, c := range s.frontCharts(front) {
		v.Charts = append(v.Charts, template.HTML(c.SVG()))
	}
	if b, ok := s.importance(); ok {
		v.Charts = append(v.Charts, template.HTML(b.SVG()))
		if c, ok := s.pair(b); ok {
			v.Charts = append(v.Charts, template.HTML(c.SVG()))
		}
	}
	for _, c := range s.slices() {
		v.Slices = append(v.Slices, template.HTML(c.SVG()))
	}
	if len(s.Space) > 0 {
		v.Wide = append(v.Wide, template.HTML(s.parallel().SVG()))
	}
}

// row is a trial in words.
func (s *Study) row(r *search.Record) row {
	line := row{Name: r.Name(), State: string(r.State), Params: s.params(r), From: r.Source, Reason: r.Reason, Value: "–", WattHours: fmt.Sprintf("%.3g", r.Joules/3600)}
	m, ok := r.Last()
	if ok {
		line.Epochs = m.Budget
	}
	x := value(r, s.main())
	if r.Aside != "" {
		line.State, line.Reason, line.Aside = "set aside", r.Aside, true
		if x, ok = m.Metrics[s.main().Metric]; !ok {
			x = math.NaN()
		}
	}
	if x == x {
		line.Value = figure(x)
	}
	return line
}

// figure writes a value of a table, of whose digits more than four may matter.
func figure(x float64) string {
	if math.Abs(x) >= 1e4 {
		return search.FormatNumber(x)
	}
	return strconv.FormatFloat(x, 'g', 5, 64)
}
