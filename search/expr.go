package search

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// expr is a node of a condition. Its op is an operator or a function, or number,
// text, bool or name.
type expr struct {
	op     string
	kind   exprKind
	column int // from 0 on, in characters
	num    float64
	text   string
	dim    *Dim // of a name
	args   []*expr
}

type exprKind int

const (
	kindNumber exprKind = iota
	kindText
	kindBool
	kindMixed // a choice among values of several kinds
	kindWord  // an option, once it is known of which choice
)

func (k exprKind) String() string {
	return [...]string{"a number", "a text", "a condition", "a choice of mixed values", "a word"}[k]
}

type exprError struct {
	column int
	err    error
}

func (e *exprError) Error() string { return e.err.Error() }

var functions = map[string]func(float64) float64{
	"abs": math.Abs, "exp": math.Exp, "log": math.Log, "log2": math.Log2, "log10": math.Log10, "sqrt": math.Sqrt,
	"min": nil, "max": nil, // of any number of arguments
}

// exprToken is a token: its text, and whether it is a number, a word (a name or an
// operator like and), a quoted text, a backquoted name or a sign.
type exprToken struct {
	class  byte // 'n', 'w', 't', 'q', 's'; 0 at the end
	text   string
	column int
}

// exprParser reads one condition by recursive descent.
type exprParser struct {
	tokens []exprToken
	dims   []*Dim
	depth  int
}

// parseCondition reads a condition and checks names and kinds.
func parseCondition(text string, dims []*Dim) (root *expr, err error) {
	tokens, err := scan(text)
	if err != nil {
		return nil, err
	}
	p := &exprParser{tokens: tokens, dims: dims}
	e, err := p.or()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.class != 0 {
		return nil, bad(t.column, "%q does not belong here", t.text)
	}
	return e, p.want(e, kindBool)
}

func bad(column int, format string, args ...any) error {
	return &exprError{column, fmt.Errorf(format, args...)}
}

func scan(text string) ([]exprToken, error) {
	var out []exprToken
	r := []rune(text)
	for i := 0; i < len(r); {
		from := i
		switch c := r[i]; {
		case unicode.IsSpace(c):
			i++
			continue
		case c == '\'' || c == '"' || c == '`':
			for i++; i < len(r) && r[i] != c; i++ {
			}
			if i == len(r) {
				return nil, bad(from, "%c is not closed", c)
			}
			i++
			class := byte('t')
			if c == '`' {
				class = 'q'
			}
			out = append(out, exprToken{class, string(r[from+1 : i-1]), from})
		case unicode.IsDigit(c) || c == '.' && i+1 < len(r) && unicode.IsDigit(r[i+1]):
			for i < len(r) && (unicode.IsDigit(r[i]) || unicode.IsLetter(r[i]) || r[i] == '.' || r[i] == '_' ||
				(r[i] == '-' || r[i] == '+') && (r[i-1] == 'e' || r[i-1] == 'E')) {
				i++
			}
			out = append(out, exprToken{'n', string(r[from:i]), from})
		case unicode.IsLetter(c) || c == '_':
			for i < len(r) && (unicode.IsLetter(r[i]) || unicode.IsDigit(r[i]) || r[i] == '_' || r[i] == '.') {
				i++
			}
			out = append(out, exprToken{'w', string(r[from:i]), from})
		default:
			i++
			if i < len(r) && slices.Contains([]string{"==", "!=", "<=", ">=", "**"}, string(r[from:i+1])) {
				i++
			}
			sign := string(r[from:i])
			if !slices.Contains(signs, sign) {
				return nil, bad(from, "%q has no meaning in a condition", sign)
			}
			out = append(out, exprToken{'s', sign, from})
		}
	}
	return append(out, exprToken{column: len(r)}), nil
}

var signs = strings.Fields("== != <= >= ** < > + - * / % ( ) [ ] ,")

func (p *exprParser) peek() exprToken { return p.tokens[0] }

func (p *exprParser) next() exprToken {
	t := p.tokens[0]
	if t.class != 0 {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is one of these signs or words.
func (p *exprParser) accept(texts ...string) (exprToken, bool) {
	t := p.peek()
	if (t.class == 's' || t.class == 'w') && slices.Contains(texts, t.text) {
		return p.next(), true
	}
	return t, false
}

func (p *exprParser) expect(sign string) error {
	if t, ok := p.accept(sign); !ok {
		return bad(t.column, "expected %q, found %s", sign, t.describe())
	}
	return nil
}

func (t exprToken) describe() string {
	if t.class == 0 {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// binary reads operands between left-associative operators.
func (p *exprParser) binary(operand func() (*expr, error), kind exprKind, ops ...string) (*expr, error) {
	a, err := operand()
	for err == nil {
		t, ok := p.accept(ops...)
		if !ok {
			return a, nil
		}
		var b *expr
		if b, err = operand(); err != nil {
			break
		}
		if err = p.want(a, kind); err == nil {
			err = p.want(b, kind)
		}
		a = &expr{op: t.text, kind: kind, column: t.column, args: []*expr{a, b}}
	}
	return nil, err
}

func (p *exprParser) or() (*expr, error)  { return p.binary(p.and, kindBool, "or") }
func (p *exprParser) and() (*expr, error) { return p.binary(p.not, kindBool, "and") }

func (p *exprParser) not() (*expr, error) {
	t, ok := p.accept("not")
	if !ok {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, bad(t.column, "the condition is nested too deeply")
	}
	defer func() { p.depth-- }()
	a, err := p.not()
	if err != nil {
		return nil, err
	}
	return &expr{op: "not", kind: kindBool, column: t.column, args: []*expr{a}}, p.want(a, kindBool)
}

// maxDepth bounds the recursion on foreign text.
const maxDepth = 100

// comparison reads a == b, a < b <= c, a in [b, c], or a bare operand.
func (p *exprParser) comparison() (*expr, error) {
	a, err := p.sum()
	if err != nil {
		return nil, err
	}
	if t, ok := p.accept("in"); ok {
		return p.in(a, t)
	}
	var all *expr
	for {
		t, ok := p.accept("==", "!=", "<=", ">=", "<", ">")
		if !ok {
			break
		}
		b, err := p.sum()
		if err != nil {
			return nil, err
		}
		c := &expr{op: t.text, kind: kindBool, column: t.column, args: []*expr{a, b}}
		if err := p.pair(c); err != nil {
			return nil, err
		}
		if all == nil {
			all = c
		} else {
			all = &expr{op: "and", kind: kindBool, column: t.column, args: []*expr{all, c}}
		}
		a = b
	}
	if all == nil {
		return a, nil
	}
	return all, nil
}

func (p *exprParser) in(a *expr, t exprToken) (*expr, error) {
	out := &expr{op: "in", kind: kindBool, column: t.column, args: []*expr{a}}
	if err := p.expect("["); err != nil {
		return nil, err
	}
	for {
		b, err := p.sum()
		if err != nil {
			return nil, err
		}
		if b.op == "name" || b.op != "text" && b.op != "number" && b.op != "bool" && b.op != "word" && b.op != "neg" {
			return nil, bad(b.column, "a list holds values, not expressions")
		}
		if err := p.pair(&expr{op: "==", column: b.column, args: []*expr{a, b}}); err != nil {
			return nil, err
		}
		out.args = append(out.args, b)
		if _, ok := p.accept(","); !ok {
			return out, p.expect("]")
		}
	}
}

func (p *exprParser) sum() (*expr, error) { return p.binary(p.product, kindNumber, "+", "-") }
func (p *exprParser) product() (*expr, error) {
	return p.binary(p.signed, kindNumber, "*", "/", "%")
}

// signed reads -a, and a ** b, which binds more tightly and from the right.
func (p *exprParser) signed() (*expr, error) {
	t, minus := p.accept("-")
	if p.depth++; p.depth > maxDepth {
		return nil, bad(t.column, "the condition is nested too deeply")
	}
	defer func() { p.depth-- }()
	if minus {
		a, err := p.signed()
		if err != nil {
			return nil, err
		}
		return &expr{op: "neg", column: t.column, args: []*expr{a}}, p.want(a, kindNumber)
	}
	a, err := p.atom()
	if err != nil {
		return nil, err
	}
	if t, ok := p.accept("**"); ok {
		b, err := p.signed()
		if err != nil {
			return nil, err
		}
		if err := p.want(a, kindNumber); err != nil {
			return nil, err
		}
		return &expr{op: "**", column: t.column, args: []*expr{a, b}}, p.want(b, kindNumber)
	}
	return a, nil
}

func (p *exprParser) atom() (*expr, error) {
	t := p.next()
	switch t.class {
	case 'n':
		x, err := strconv.ParseFloat(strings.ReplaceAll(t.text, "_", ""), 64)
		if err != nil || math.IsInf(x, 0) {
			return nil, bad(t.column, "%q is not a number", t.text)
		}
		return &expr{op: "number", column: t.column, num: x}, nil
	case 't':
		return &expr{op: "text", kind: kindText, column: t.column, text: t.text}, nil
	case 'q':
		return p.name(t, true)
	case 'w':
		return p.word(t)
	}
	if t.text == "(" && t.class == 's' {
		if p.depth++; p.depth > maxDepth {
			return nil, bad(t.column, "the condition is nested too deeply")
		}
		defer func() { p.depth-- }()
		a, err := p.or()
		if err != nil {
			return nil, err
		}
		return a, p.expect(")")
	}
	return nil, bad(t.column, "expected a parameter or a value, found %s", t.describe())
}

func (p *exprParser) word(t exprToken) (*expr, error) {
	switch t.text {
	case "true", "false":
		out := &expr{op: "bool", kind: kindBool, column: t.column}
		if t.text == "true" {
			out.num = 1
		}
		return out, nil
	case "and", "or", "not", "in":
		return nil, bad(t.column, "expected a parameter or a value, found %q", t.text)
	}
	if next := p.peek(); next.class == 's' && next.text == "(" {
		return p.call(t)
	}
	return p.name(t, false)
}

func (p *exprParser) call(t exprToken) (*expr, error) {
	f, ok := functions[t.text]
	if !ok {
		names := []string{"abs", "exp", "log", "log10", "log2", "max", "min", "sqrt"}
		return nil, bad(t.column, "there is no function %s%s; there are %s", Quoted(t.text), meant(t.text, names), strings.Join(names, ", "))
	}
	p.next()
	out := &expr{op: t.text, column: t.column}
	for {
		a, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := p.want(a, kindNumber); err != nil {
			return nil, err
		}
		out.args = append(out.args, a)
		if _, more := p.accept(","); !more {
			break
		}
	}
	if f != nil && len(out.args) != 1 {
		return nil, bad(t.column, "%s takes one number, not %d", t.text, len(out.args))
	}
	return out, p.expect(")")
}

// name is a parameter, or a word that may turn out to be an option.
func (p *exprParser) name(t exprToken, quoted bool) (*expr, error) {
	i := slices.IndexFunc(p.dims, func(d *Dim) bool { return d.Name == t.text })
	if i < 0 {
		if quoted {
			return nil, p.unknown(t.text, t.column)
		}
		return &expr{op: "word", kind: kindWord, column: t.column, text: t.text}, nil
	}
	d := p.dims[i]
	e := &expr{op: "name", column: t.column, text: d.Name, dim: d}
	for k, o := range d.Options {
		kind := kindNumber
		switch o.Value.(type) {
		case string:
			kind = kindText
		case bool:
			kind = kindBool
		}
		if k > 0 && kind != e.kind {
			kind = kindMixed
		}
		if e.kind = kind; kind == kindMixed {
			break
		}
	}
	return e, nil
}
