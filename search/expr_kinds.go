package search

import (
	"fmt"
	"slices"
)

// want is an error unless an expression is of a kind.
func (p *exprParser) want(e *expr, kind exprKind) error {
	switch {
	case e.kind == kind:
		return nil
	case e.kind == kindWord:
		return p.unknown(e.text, e.column)
	case kind == kindBool && e.kind != kindBool:
		return bad(e.column, "expected a condition like a <= b, found %s", e.describe())
	}
	return bad(e.column, "expected %v, found %s", kind, e.describe())
}

// pair checks what is compared with each other, and finds the options that words
// stand for.
func (p *exprParser) pair(e *expr) error {
	a, b := e.args[0], e.args[1]
	for _, s := range [][2]*expr{{a, b}, {b, a}} {
		if err := p.option(s[0], s[1].dim); err != nil {
			return err
		}
	}
	for _, s := range e.args {
		if s.kind == kindWord {
			return p.unknown(s.text, s.column)
		}
	}
	if e.op != "==" && e.op != "!=" {
		for _, s := range e.args {
			if s.kind != kindNumber {
				return bad(s.column, "%s compares numbers, and this is %s", e.op, s.describe())
			}
		}
		return nil
	}
	if a.kind != b.kind && a.kind != kindMixed && b.kind != kindMixed {
		return bad(e.column, "%s can never equal %s", a.describe(), b.describe())
	}
	return nil
}

// option makes a word or text that is compared with a choice one of its
// options.
func (p *exprParser) option(e *expr, d *Dim) error {
	if d == nil || d.Kind != KindChoice || e.kind != kindWord && e.op != "text" {
		return nil
	}
	if d.Index(e.text) < 0 {
		names := make([]string, len(d.Options))
		for i, o := range d.Options {
			names[i] = fmt.Sprint(o.Value)
		}
		if e.kind == kindWord {
			for _, q := range p.dims {
				names = append(names, q.Name)
			}
		}
		return bad(e.column, "%s is not an option of %s%s; there are %s", Quoted(e.text), d.Name, meant(e.text, names), Brief(fmt.Sprint(d.values()), 300))
	}
	e.op, e.kind = "text", kindText
	return nil
}

func (p *exprParser) unknown(name string, column int) error {
	names := make([]string, len(p.dims))
	for i, d := range p.dims {
		names[i] = d.Name
	}
	return bad(column, "there is no parameter %s%s", Quoted(name), meant(name, names))
}

// meant is ` (did you mean "width"?)`, or nothing.
func meant(written string, names []string) string {
	if near := Nearest(written, slices.Clip(names), 1); len(near) > 0 {
		return fmt.Sprintf(" (did you mean %q?)", near[0])
	}
	return ""
}

func (e *expr) describe() string {
	switch e.op {
	case "name":
		return fmt.Sprintf("the parameter %s, %v", e.text, e.kind)
	case "text":
		return fmt.Sprintf("the text %q", e.text)
	case "number":
		return fmt.Sprintf("the number %v", e.num)
	}
	return e.kind.String()
}
