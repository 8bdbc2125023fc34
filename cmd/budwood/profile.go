package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"budwood/data"
	"budwood/search"
)

type profileCmd struct {
	File   string   `arg:"" help:"A table: CSV in any dialect, also packed with gzip, or Parquet." type:"existingfile"`
	Target string   `help:"The column to predict; without it one is proposed." placeholder:"COLUMN"`
	Ignore []string `help:"Columns to leave out." placeholder:"COLUMN"`
	output
}

// Run prints how a table is understood.
func (c *profileCmd) Run(a *app) error {
	p, err := profileOf(a, c.File, c.Target, c.Ignore)
	if err != nil {
		return err
	}
	proposed := ""
	if c.Target == "" {
		name, why := p.ProposeTarget()
		if name != "" {
			proposed = fmt.Sprintf("--target %s: %s", shellWord(name), why)
			if q, err := profileOf(a, c.File, name, c.Ignore); err == nil {
				p = q
			}
		}
	}
	if c.Output == "table" {
		return writeProfile(a.stdout, p, proposed, 0)
	}
	t := table{head: []string{"COLUMN", "ROLE", "KIND", "MISSING", "DISTINCT", "EXAMPLE", "WHY", "WARNING"}}
	for _, r := range p.Columns {
		t.add(r.Name, r.Role, r.Kind, strconv.Itoa(r.Missing), strconv.Itoa(r.Distinct), r.Example, r.Why, r.Warning)
	}
	return c.write(a.stdout, t, p)
}

// profileOf understands a table; what is wrong with the file or the target is the caller's mistake.
func profileOf(a *app, file, target string, ignore []string) (*data.Profile, error) {
	p, err := data.Understand(a.ctx, tableSource(file, target, ignore))
	if err != nil && a.ctx.Err() == nil {
		err = usageError{err}
	}
	return p, err
}

// tableSource is a table by its path.
func tableSource(file, target string, ignore []string) data.Source {
	s := data.Source{CSV: file, Target: target, Ignore: ignore, Reading: data.Newest}
	if data.IsParquet(file) {
		s.CSV, s.Parquet = "", file
	}
	return s
}

// shellWord quotes a word for a shell if it needs it.
func shellWord(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("_-./:=@%+,", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

const screenWidth = 80 // columns of a terminal

// writeProfile prints a profile for people, at most so many of its columns (0: all).
func writeProfile(w io.Writer, p *data.Profile, proposed string, most int) error {
	list := p.Columns
	if most > 0 && len(list) > most {
		list = list[:most]
	}
	name, example := 6, 7
	for _, r := range list {
		name, example = max(name, runes(r.Name)), max(example, runes(r.Example))
	}
	name, example = min(name, 18), min(example, 12)
	var b strings.Builder
	line := func(cells ...string) {
		s := fmt.Sprintf("%s  %-8s  %7s  %8s  %s  %s", fit(cells[0], name), cells[1], cells[2], cells[3], fit(cells[4], example), cells[5])
		b.WriteString(strings.TrimRight(clip(s, screenWidth), " ") + "\n")
	}
	line("COLUMN", "KIND", "MISSING", "DISTINCT", "EXAMPLE", "WHY")
	for _, r := range list {
		why := r.Why
		if r.Role != "input" {
			why = r.Role + ": " + why
		}
		if len(r.Parts) > 0 {
			why += "; also " + strings.Join(r.Parts, ", ")
		}
		distinct := strconv.Itoa(r.Distinct)
		if r.Distinct >= 1000 && r.Kind != data.KindCategory && r.Kind != data.KindText {
			distinct = "1000+"
		}
		line(search.OneLine(r.Name), r.Kind, strconv.Itoa(r.Missing), distinct, search.OneLine(r.Example), why)
	}
	if n := len(p.Columns) - len(list); n > 0 {
		fmt.Fprintf(&b, "… and %s; see budwood profile %s\n", plural(n, "more column"), shellWord(p.File))
	}
	say := func(label, format string, args ...any) { wrap(&b, label, fmt.Sprintf(format, args...)) }
	b.WriteString("\n")
	rows := grouped(p.Rows)
	if p.LeftOut > 0 {
		rows += fmt.Sprintf(", of which %s without a target are left out", grouped(p.LeftOut))
	}
	if p.TestRows > 0 {
		rows += fmt.Sprintf(", and %s in the test file", grouped(p.TestRows))
	}
	say("rows", "%s", rows)
	if t := p.Target; t != nil {
		say("target", "%s", describeTarget(t))
		say("baseline", "%s", describeBaseline(t))
	}
	if proposed != "" {
		say("proposed", "%s", proposed)
	}
	for _, n := range p.Notes {
		say("note", "%s", n)
	}
	for _, n := range p.Warnings {
		say("warning", "%s", n)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

const mostClasses = 12 // that are listed with their rows

func describeTarget(t *data.TargetProfile) string {
	if t.Task == data.Regression {
		return fmt.Sprintf("%q: regression; %s to %s, mean %s", t.Name, number6(t.Low), number6(t.High), number6(t.Mean))
	}
	sum := 0
	for _, k := range t.Classes {
		sum += k.Rows
	}
	var list []string
	for _, k := range t.Classes[:min(len(t.Classes), mostClasses)] {
		list = append(list, fmt.Sprintf("%s %s (%.0f %%)", search.OneLine(k.Name), grouped(k.Rows), 100*float64(k.Rows)/float64(max(sum, 1))))
	}
	if n := len(t.Classes) - mostClasses; n > 0 {
		list = append(list, fmt.Sprintf("… and %d more", n))
	}
	return fmt.Sprintf("%q: classification, %d classes: %s", t.Name, len(t.Classes), strings.Join(list, ", "))
}

func describeBaseline(t *data.TargetProfile) string {
	if t.Task == data.Regression {
		return fmt.Sprintf("always the mean: RMSE %s", number6(t.Baseline))
	}
	return fmt.Sprintf("always %q: accuracy %.3f; the shares of the classes: log-loss %.3f", search.OneLine(t.Always), t.Baseline, t.LogLoss)
}

func number6(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }

// grouped writes 12,345.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func runes(s string) int { return utf8.RuneCountInString(s) }

// clip cuts a text that is too wide.
func clip(s string, width int) string {
	if runes(s) <= width {
		return s
	}
	return string([]rune(s)[:width-1]) + "…"
}

// fit makes a text exactly so wide.
func fit(s string, width int) string {
	s = clip(s, width)
	return s + strings.Repeat(" ", width-runes(s))
}

// wrap writes a text behind a label, in lines that fit the screen.
func wrap(b *strings.Builder, label, text string) {
	const indent = 10
	line := fit(label, indent)
	at := indent
	for i, word := range strings.Fields(search.OneLine(text)) {
		n := runes(word)
		if i > 0 && at+1+n > screenWidth && at > indent {
			b.WriteString(strings.TrimRight(line, " ") + "\n")
			line, at = strings.Repeat(" ", indent), indent
		} else if i > 0 {
			line, at = line+" ", at+1
		}
		line, at = line+word, at+n
	}
	b.WriteString(line + "\n")
}

// mostSaid is how many notes and warnings a run repeats.
const mostSaid = 12

// sayProfile says what was guessed, converted and left out of a table, and what may be wrong with it.
func (a *app) sayProfile(d *data.Data, file string) {
	if d == nil || d.Profile == nil {
		return
	}
	lines := append(append([]string{}, d.Profile.Notes...), d.Profile.Warnings...)
	for _, l := range lines[:min(len(lines), mostSaid)] {
		a.say("%s", l)
	}
	if n := len(lines) - mostSaid; n > 0 {
		a.say("and %s on the data; see budwood plan %s", plural(n, "more line"), shellWord(file))
	}
}

// tableInstead is what to do with a table that was given in place of a study file; nil if it is none.
func tableInstead(command, file string) error {
	if st, err := os.Stat(file); err != nil || !st.Mode().IsRegular() {
		return nil
	}
	name := strings.ToLower(strings.TrimSuffix(file, ".gz"))
	is := data.IsParquet(file)
	for _, ext := range []string{".csv", ".tsv", ".tab", ".parquet", ".psv"} {
		is = is || strings.HasSuffix(name, ext)
	}
	if !is {
		return nil
	}
	f := shellWord(file)
	return usageError{errors.New(command + " takes a study file, and this is a table: budwood fit " + f + " --target COLUMN learns from it, budwood init " + f +
		" --target COLUMN writes its study file, budwood profile " + f + " shows its columns")}
}
