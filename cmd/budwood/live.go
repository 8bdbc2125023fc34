package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"golang.org/x/term"

	"budwood/search"
	"budwood/study"
	"budwood/trials/store"
)

// live shows a study on a terminal: progress, the trials that run, the best
// ones and what happened last. If the terminal fails it goes on in lines.
func (a *app) live(w *watcher) error {
	m := &liveModel{w: w, app: a, began: time.Now(), width: 100, height: 30}
	options := []tea.ProgramOption{tea.WithContext(a.ctx), tea.WithOutput(exact(a.stderr)), tea.WithoutSignalHandler()}
	if !term.IsTerminal(int(os.Stdin.Fd())) {
		options = append(options, tea.WithInput(nil)) // not from /dev/tty, which a job without a terminal of its own lacks
	}
	final, err := tea.NewProgram(m, options...).Run()
	if a.ctx.Err() != nil {
		return errDetached
	}
	if err != nil {
		a.say("the terminal cannot be drawn on (%v); in lines:", err)
		return a.lines(w)
	}
	return final.(*liveModel).err
}

type liveModel struct {
	w             *watcher
	app           *app
	began         time.Time
	width, height int
	events        []event
	total         int                        // trials, of the budget
	beats         map[int]search.Measurement // of the running trials, as of the last answer
	asked         time.Time
	err           error
}

type tick struct{}

// beatsMsg is what the server knows of the running trials.
type beatsMsg map[int]search.Measurement

func (m *liveModel) Init() tea.Cmd { return func() tea.Msg { return tick{} } }

// Update looks at the store at every tick.
func (m *liveModel) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		if s := msg.String(); s == "ctrl+c" || s == "q" {
			m.err = errDetached
			return m, tea.Quit
		}
	case tick:
		events, err := m.w.poll(m.app.ctx)
		m.events = append(m.events, events...)
		m.events = m.events[max(len(m.events)-8, 0):]
		if m.total == 0 && err == nil {
			m.total, err = trialBudget(&m.w.study)
		}
		if err != nil || m.w.study.State != store.StudyRunning {
			m.err = err
			return m, tea.Quit
		}
		next := tea.Tick(150*time.Millisecond, func(time.Time) tea.Msg { return tick{} })
		if time.Since(m.asked) < time.Second {
			return m, next
		}
		m.asked = time.Now()
		running := m.w.running()
		return m, tea.Batch(next, func() tea.Msg { return beatsMsg(m.w.beats(m.app.ctx, running)) })
	case beatsMsg:
		m.beats = msg
	}
	return m, nil
}

var (
	styleTitle = lipgloss.NewStyle().Bold(true)
	styleDim   = lipgloss.NewStyle().Faint(true)
	styleGood  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleBad   = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
)

// View draws the study as of the last poll.
func (m *liveModel) View() tea.View {
	s := &m.w.study
	if s.Name == "" {
		return tea.NewView("")
	}
	main := s.Objectives[0]
	var b strings.Builder
	line := func(style lipgloss.Style, format string, args ...any) {
		text := search.OneLine(fmt.Sprintf(format, args...))
		if r := []rune(text); len(r) > m.width {
			text = string(r[:max(m.width-1, 0)]) + "…"
		}
		if os.Getenv("NO_COLOR") == "" {
			text = style.Render(text)
		}
		b.WriteString(text + "\n")
	}
	ended, stopped, joules := 0, 0, 0.
	var active, ranked []*search.Record
	for i := range m.w.seen {
		r := &m.w.seen[i]
		joules += r.Joules
		if r.State.Ended() {
			ended++
		}
		if r.State == search.Stopped {
			stopped++
		}
		if r.State == search.Running {
			active = append(active, r)
		}
		if _, ok := r.Loss(main); ok {
			ranked = append(ranked, r)
		}
	}
	sort.SliceStable(ranked, func(i, j int) bool {
		x, _ := ranked[i].Loss(main)
		y, _ := ranked[j].Loss(main)
		return x < y
	})
	began := len(m.w.seen)
	line(styleTitle, "%s  %s %s", s.Name, main.Goal, main.Metric)
	line(styleGood, "%s %d/%d trials  %d ended, %d stopped early  %s Wh  %s", bar(began, m.total, 30), began, m.total, ended, stopped,
		wattHours(joules), time.Since(m.began).Round(time.Second))
	line(styleDim, "%s", "")
	for _, r := range active {
		at, _ := r.Last()
		now := fmt.Sprintf("from epoch %-3d", at.Budget)
		if b, ok := m.beats[r.ID]; ok && b.Budget > at.Budget {
			now = study.DescribeEpoch(b, main)
		}
		line(lipgloss.NewStyle(), "▸ %s  %s  %s", r.Name(), now, study.DescribeParams(r.Params))
	}
	line(styleDim, "%s", "")
	wide := max(15, len(main.Metric))
	line(styleTitle, "  trial  %-*s epochs  state", wide, main.Metric)
	for i := range min(len(ranked), 6) {
		r := ranked[i]
		at, _ := r.Last()
		style := lipgloss.NewStyle()
		if i == 0 {
			style = styleGood
		}
		line(style, "  %s  %-*s %-6d  %-9s  %s", r.Name(), wide, search.FormatNumber(at.Metrics[main.Metric]), at.Budget, r.State, study.DescribeParams(r.Params))
	}
	line(styleDim, "%s", "")
	for _, e := range m.events {
		style := styleDim
		if e.kind == string(search.Stopped) {
			style = styleBad
		}
		line(style, "  %s  %-9s %s", e.name(), e.kind, study.DescribeReason(e.text))
	}
	line(styleDim, "%s", "Ctrl-C: leave; the study goes on")
	return tea.NewView(b.String())
}

// bar is a progress bar of a width.
func bar(n, of, width int) string {
	full := 0
	if of > 0 {
		full = min(n*width/of, width)
	}
	return strings.Repeat("█", full) + strings.Repeat("░", width-full)
}
