package data

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Profile is how a table was understood.
type Profile struct {
	File     string          `json:"file"`
	Rows     int             `json:"rows"`                // below the header line, without empty ones
	TestRows int             `json:"test_rows,omitempty"` // of the test file
	LeftOut  int             `json:"left_out"`            // rows without a target
	Dialect  *Dialect        `json:"dialect,omitempty"`   // of a text file
	Target   *TargetProfile  `json:"target,omitempty"`
	Columns  []ColumnProfile `json:"columns"`  // in the order of the file
	Notes    []string        `json:"notes"`    // what was guessed, converted and left out, a line each
	Warnings []string        `json:"warnings"` // what may be wrong, a line each

	// FreshNotes are those of the further rows of [LoadWith].
	FreshNotes []string `json:"fresh_notes,omitempty"`

	understood *understanding
	windows    string
}

// ColumnProfile is a column of a profile.
type ColumnProfile struct {
	Name     string   `json:"name"`
	Role     string   `json:"role"` // input, target, group, time, left out
	Kind     string   `json:"kind"` // one of [ColumnKinds]
	Why      string   `json:"why"`
	Missing  int      `json:"missing"`
	Distinct int      `json:"distinct"` // of numbers counted up to 1,000
	Example  string   `json:"example"`
	Parts    []string `json:"parts,omitempty"` // of a date: what else becomes of it
	Warning  string   `json:"warning,omitempty"`
}

// TargetProfile is what there is to predict, and what is reached without learning.
type TargetProfile struct {
	Name    string      `json:"name"`
	Task    Task        `json:"task"`
	Classes []ClassRows `json:"classes,omitempty"`

	// Always is the prediction that is best without looking at a row: the most
	// frequent class, or the mean.
	Always string `json:"always"`
	// Baseline is what it reaches: its accuracy, or its root mean squared error.
	Baseline float64 `json:"baseline"`
	LogLoss  float64 `json:"log_loss,omitempty"` // classes: of the shares of the classes
	Mean     float64 `json:"mean,omitempty"`
	Low      float64 `json:"low,omitempty"`
	High     float64 `json:"high,omitempty"`
}

// ClassRows is a class and its rows.
type ClassRows struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
}

// reading notes what was found while the cells were read.
func (p *Profile) reading(g *grid) {
	p.Notes = append(p.Notes, g.dialect.notes...)
	if g.empty > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("%s of empty cells left out", howMany(g.empty, "row")))
	}
	p.Notes = append(p.Notes, g.notes...)
}

func howMany(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%s %ss", thousands(n), thing)
}

// thousands writes 12,345.
func thousands(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func exactNumber(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// mostTexts is how many different texts of a column are noted in a line each.
const mostTexts = 3

// odd notes which texts of a column were taken as missing.
func (p *Profile) odd(c *cells, m *meaning, odd []int, also *spelt) {
	if p == nil {
		return
	}
	slices.SortStableFunc(odd, func(a, b int) int { return c.count[b] - c.count[a] })
	rest, sum := 0, 0
	for i, k := range odd {
		if i >= mostTexts {
			rest++
			sum += c.count[k]
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("%scolumn %s: %s taken as missing (%d of %d values)", inLine(c.line[k]), quote(m.name), quote(c.list[k]), c.count[k], c.rows()))
	}
	if rest > 0 {
		k := odd[mostTexts]
		p.Notes = append(p.Notes, fmt.Sprintf("column %s: %d more texts taken as missing (%d of %d values), as %s%s", quote(m.name), rest, sum, c.rows(), quote(c.list[k]), ofLine(c.line[k])))
	}
}

func inLine(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("line %d, ", n)
}

func ofLine(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" in line %d", n)
}

// style notes that the numbers of a column are written in another way than programs write them.
func (p *Profile) style(c *cells, m *meaning) {
	if m.kind != KindNumber || m.truth != nil || m.style.plain() || m.style.decimal == 0 {
		return
	}
	if d := p.Dialect; d != nil && d.decimal == m.style.decimal && m.style.group == "" && m.style.unit == "" {
		return // it was said of the whole file
	}
	for _, text := range c.list {
		x, ok := m.style.number(text)
		if _, plain := number(text); !ok || plain {
			continue
		}
		p.Notes = append(p.Notes, fmt.Sprintf("column %s: %s is read as %s", quote(m.name), quote(text), exactNumber(x)))
		return
	}
	if c.styled != "" {
		x, _ := m.style.number(c.styled)
		p.Notes = append(p.Notes, fmt.Sprintf("column %s: %s is read as %s", quote(m.name), quote(c.styled), exactNumber(x)))
	}
}

// finish adds what is known once the rows are divided: the target, and the warnings.
func (p *Profile) finish(task Task, classes []string, t *table, target *column) {
	p.told()
	p.aim(task, classes, target)
	p.leaks(t, task, target)
}

// told notes which columns are left out, and repeats the warnings of columns.
func (p *Profile) told() {
	if p.windows != "" {
		p.Notes = append([]string{p.windows}, p.Notes...)
	}
	by := map[string][]string{}
	for _, c := range p.Columns {
		if c.Role == "left out" && c.Kind != KindIgnore {
			by[c.Why] = append(by[c.Why], c.Name)
		}
	}
	for _, why := range slices.Sorted(maps.Keys(by)) {
		if len(by[why]) == 1 {
			p.Notes = append(p.Notes, fmt.Sprintf("column %s left out: %s", quote(by[why][0]), why))
		} else {
			p.Notes = append(p.Notes, fmt.Sprintf("columns %s left out: %s", listed(by[why]), why))
		}
	}
	by = map[string][]string{}
	for _, c := range p.Columns {
		if c.Warning != "" {
			by[c.Warning] = append(by[c.Warning], c.Name)
		}
	}
	for _, c := range p.Columns {
		names := by[c.Warning]
		switch {
		case c.Warning == "" || names == nil:
			continue
		case c.Warning == "constant":
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s %s: one value in all rows, which tells nothing", columnOf(names), listed(names)))
		default:
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s %s: %s", columnOf(names), listed(names), c.Warning))
		}
		delete(by, c.Warning)
	}
}

func columnOf(names []string) string {
	if len(names) == 1 {
		return "column"
	}
	return "columns"
}

// listed joins the first names.
func listed(names []string) string {
	const most = 6
	var out []string
	for _, n := range names[:min(len(names), most)] {
		out = append(out, quote(n))
	}
	if more := len(names) - most; more > 0 {
		out = append(out, fmt.Sprintf("… and %d more", more))
	}
	return strings.Join(out, ", ")
}

// repeated leaves out columns that say the same as one before them.
func (p *Profile) repeated(t *table, u *understanding) {
	first := map[uint64][]*column{}
	var keep []*column
	for _, c := range t.columns {
		h := c.hashOf()
		same := slices.IndexFunc(first[h], c.equal)
		if c.distinct() < 2 || same < 0 {
			first[h] = append(first[h], c)
			keep = append(keep, c)
			continue
		}
		at := slices.IndexFunc(p.Columns, func(r ColumnProfile) bool { return r.Name == c.name })
		if at < 0 || u.meanings[at].asked || len(u.meanings[at].parts) > 0 {
			keep = append(keep, c) // a part of a date, or as the study file says
			continue
		}
		why := "the same as column " + quote(first[h][same].name)
		p.Columns[at].Role, p.Columns[at].Why, p.Columns[at].Warning = "left out", why, ""
		u.meanings[at].out, u.meanings[at].why = "duplicate", why
	}
	t.columns = keep
}

// hashOf is the same for columns that say the same of all rows.
func (c *column) hashOf() uint64 {
	h := uint64(14695981039346656037)
	mix := func(x uint64) { h = (h ^ x) * 1099511628211; h ^= h >> 29 }
	for _, k := range c.code {
		mix(uint64(k + 1))
	}
	for _, x := range c.num {
		if x != x {
			mix(1)
		} else {
			mix(math.Float64bits(x))
		}
	}
	return h
}

// equal reports whether columns say the same of all rows: numbers are equal, and
// categories divide the rows alike, whatever they are called.
func (c *column) equal(d *column) bool {
	return (c.words != nil) == (d.words != nil) && slices.Equal(c.code, d.code) &&
		slices.EqualFunc(c.num, d.num, func(x, y float64) bool { return x == y || x != x && y != y })
}
