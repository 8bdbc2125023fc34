package report

import (
	"fmt"
	"html/template"
	"io"
	"math"
	"strconv"

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

// view is what the template reads.
type view struct {
	*Study
	Goal    string
	Facts   [][2]string
	Charts  []template.HTML
	Drawing template.HTML
	Slices  []template.HTML
	Wide    []template.HTML
	Rungs   []rung
	Front   []frontRow // with several objectives
	Rows    []row
	Omitted int
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
		v.Goal += string(o.Goal) + " " + o.Metric
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
	}
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
		if r := &all.Trials[i]; r.Aside != "" && len(v.Rows) < 2*mostRows {
			v.Rows = append(v.Rows, s.row(r))
		}
	}
	return v
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
		line.Value = strconv.FormatFloat(x, 'g', 5, 64)
	}
	return line
}

var page = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Name}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;color:#1f2937;background:#fff;max-width:1320px;margin:0 auto;padding:1.5rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}.goal{color:#6b7280;margin:0 0 1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}dt{color:#6b7280}dd{margin:0;overflow-wrap:anywhere}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,32rem),1fr));gap:1rem;margin-top:1rem}.small{grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}
.wide{grid-template-columns:1fr}svg{width:100%;height:auto}.network svg{width:auto;max-width:100%}pre{font-size:13px;white-space:pre-wrap;margin:0}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;width:100%}
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #e5e7eb;vertical-align:top}th{color:#6b7280;font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}.budgets{width:auto}.front td{background:#fef3c7}.aside td{color:#9ca3af}
</style></head><body>
<h1>{{.Name}}</h1><p class="goal">{{.Goal}}</p>
<dl>{{range .Facts}}<dt>{{index . 0}}</dt><dd>{{index . 1}}</dd>{{end}}</dl>
<div class="charts">{{range .Charts}}<div>{{.}}</div>{{end}}</div>
{{if .Slices}}<h2>The objective over each parameter</h2><div class="charts small">{{range .Slices}}<div>{{.}}</div>{{end}}</div>{{end}}
{{range .Wide}}<div class="charts wide"><div>{{.}}</div></div>{{end}}
{{if .Drawing}}<h2>The best network</h2><pre>{{.Network.About}}</pre><div class="network">{{.Drawing}}</div>{{end}}
{{if .Front}}<h2>The front</h2><div class="scroll"><table><tr><th>trial</th>{{range .Objectives}}<th class="n">{{.Metric}}</th>{{end}}<th class="n">epochs</th><th>params</th></tr>
{{range .Front}}<tr><td>{{.Name}}</td>{{range .Values}}<td class="n">{{.}}</td>{{end}}<td class="n">{{.Epochs}}</td><td>{{.Params}}</td></tr>
{{end}}</table></div>{{end}}
{{if .Rungs}}<h2>Budgets</h2><table class="budgets"><tr><th class="n">epochs</th><th class="n">trials</th><th class="n">ended here</th><th class="n">best</th></tr>
{{range .Rungs}}<tr><td class="n">{{.Budget}}</td><td class="n">{{.Reached}}</td><td class="n">{{.Ended}}</td><td class="n">{{.Best}}</td></tr>{{end}}</table>{{end}}
{{if .Rows}}<h2>Trials</h2><div class="scroll"><table><tr><th>trial</th><th class="n">value</th><th class="n">epochs</th><th>state</th><th class="n">Wh</th><th>from</th><th>params</th><th>reason</th></tr>
{{range .Rows}}<tr{{if .Front}} class="front"{{else if .Aside}} class="aside"{{end}}><td>{{.Name}}</td><td class="n">{{.Value}}</td><td class="n">{{.Epochs}}</td><td>{{.State}}</td><td class="n">{{.WattHours}}</td><td>{{.From}}</td><td>{{.Params}}</td><td>{{.Reason}}</td></tr>
{{end}}</table></div>{{if .Omitted}}<p>… and {{.Omitted}} more.</p>{{end}}{{end}}
</body></html>
`))
