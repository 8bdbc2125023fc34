package data

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// Dialect is how a text file writes a table.
type Dialect struct {
	Separator string `json:"separator"` // between cells: "," ";" "|" or "tab"
	Decimal   string `json:"decimal"`   // "." or ","
	Charset   string `json:"charset"`   // UTF-8, UTF-16LE, UTF-16BE, or Windows-1252 where the text is not UTF-8

	comma   rune
	decimal byte // 0: not known, each column for itself
	skip    int  // bytes above the header line
	lines   int  // lines above it
	names   bool // rows have one cell more than the header: the first one is a name of the row
	notes   []string
}

var separators = []struct {
	comma rune
	name  string
}{{',', ","}, {';', ";"}, {'\t', "tab"}, {'|', "|"}}

// separator is the character of a name; 0 for none.
func separator(name string) rune {
	for _, s := range separators {
		if name == s.name || name == string(s.comma) || name == `\t` && s.comma == '\t' {
			return s.comma
		}
	}
	return 0
}

// separatorName is what study files call a separator.
func separatorName(r rune) string {
	for _, s := range separators {
		if s.comma == r {
			return s.name
		}
	}
	return string(r)
}

// dialect tells the dialect by the beginning of a file.
func dialect(head []byte, s *Source) Dialect {
	var d Dialect
	head = d.preamble(head)
	if given := separator(s.Separator); given != 0 {
		d.comma = given
	}
	best := look{}
	for _, c := range separators {
		if d.comma != 0 && c.comma != d.comma {
			continue
		}
		l := lookAt(head, c.comma)
		if l.score() > best.score() || best.comma == 0 {
			best = l
		}
	}
	d.comma, d.names = best.comma, best.names
	if s.Separator == "" && d.comma != ',' {
		d.notes = append(d.notes, fmt.Sprintf("cells are separated by %s: found by the header line", separatorWord(d.comma)))
	}
	d.Separator = separatorName(d.comma)
	switch {
	case s.Decimal != "":
		d.decimal = s.Decimal[0]
	case s.Thousands == ".":
		d.decimal = ','
	case s.Thousands == ",":
		d.decimal = '.'
	default:
		d.decimal = best.decimal()
		if d.decimal == ',' {
			d.notes = append(d.notes, `the decimal sign is the comma, as in `+quote(best.votes.seen))
		}
	}
	d.Decimal = "."
	if d.decimal == ',' {
		d.Decimal = ","
	}
	return d
}

func separatorWord(r rune) string {
	switch r {
	case ';':
		return "semicolons"
	case '\t':
		return "tabs"
	case '|':
		return "bars (|)"
	}
	return "commas"
}

// preamble skips what stands above the header line: empty lines, Excel's "sep=;", and comments.
func (d *Dialect) preamble(head []byte) []byte {
	for {
		line, rest, found := bytes.Cut(head, []byte{'\n'})
		text := strings.TrimRight(string(line), "\r")
		switch {
		case !found:
			return head
		case strings.TrimSpace(text) == "":
		case strings.HasPrefix(strings.ToLower(text), "sep=") && len(text) == 5 && separator(text[4:]) != 0:
			d.comma = separator(text[4:])
		case text[0] == '#' && !strings.ContainsAny(text, ",;\t|"):
			d.notes = append(d.notes, fmt.Sprintf("line %d is a comment and left out: %s", d.lines+1, quote(text)))
		default:
			return head
		}
		d.skip += len(line) + 1
		d.lines++
		head = rest
	}
}

// look is what a separator makes of the beginning of a file.
type look struct {
	comma  rune
	header int // cells of the header line
	lines  int // below it
	same   int // lines with as many cells
	more   int // lines with one more, which is not empty
	names  bool
	votes  struct {
		votes
		seen string // a decimal comma
	}
}

const lookLines = 200

func lookAt(head []byte, comma rune) look {
	l := look{comma: comma}
	r := csv.NewReader(bytes.NewReader(head))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord = comma, true, -1, true
	whole := len(head) < peek
	var last int
	for l.lines < lookLines {
		cells, err := r.Read()
		if err == io.EOF || err != nil {
			break
		}
		if l.header == 0 {
			l.header = len(cells)
			continue
		}
		last = len(cells)
		l.lines++
		switch {
		case len(cells) == l.header:
			l.same++
		case len(cells) == l.header+1 && strings.TrimSpace(cells[len(cells)-1]) != "":
			l.more++
		case len(cells) == l.header+1: // a separator at the end of each line
			l.same++
		}
		for _, c := range cells {
			was := l.votes.comma
			l.votes.add(strings.TrimSpace(c), 1)
			if l.votes.comma > was && l.votes.seen == "" {
				l.votes.seen = strings.Clone(strings.TrimSpace(c))
			}
		}
	}
	if !whole && l.lines > 1 && l.lines < lookLines && last != l.header { // the last line is cut off
		l.lines--
	}
	l.names = l.lines > 0 && l.more == l.lines
	return l
}

// score prefers separators with which all lines have as many cells as the header, then those that make more cells.
func (l look) score() float64 {
	if l.header < 2 && !(l.names && l.header == 1) {
		return 0
	}
	share := 1.
	if l.lines > 0 {
		share = float64(max(l.same, l.more)) / float64(l.lines)
	}
	if share < .5 {
		return share / 1000
	}
	return share*share + min(float64(l.header), 1000)/10000
}

// decimal is the decimal sign that the file shows; 0 if it shows none.
func (l look) decimal() byte {
	switch v := l.votes; {
	case v.comma > v.point:
		return ','
	case v.point > 0:
		return '.'
	case l.comma == ';' && v.commaMaybe > 0 && v.pointMaybe == 0:
		return ',' // why else semicolons
	}
	return 0
}
