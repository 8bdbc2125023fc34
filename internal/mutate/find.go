package main

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"math"
	"path/filepath"
	"strings"
)

// mutant is one small change of the source.
type mutant struct {
	id     int // from 1
	file   int // in source.file
	at     token.Position
	inside string // the function or method, empty at package level
	kind   string
	before string // what the source says, in one line
	after  string // what it says with the mutant
	line   string // of the source, without the space around it
	again  int    // 1, or 2 if a line has the same mutant twice, …
	wraps  []wrap

	tests   []*test // that reach it, the fastest first
	noticed string  // how the tests noticed it; "" if they did not
}

// finder collects the mutants of one file.
type finder struct {
	*source
	n      int // the file
	inside string
	funcs  []*types.Signature // the functions around the node
	skip   map[ast.Node]bool  // that have to stay as they are, or change nothing
	found  []*mutant
}

// find lists all mutants of a package in the order of its files and lines.
func (s *source) find() (all []*mutant) {
	for n, f := range s.file {
		for _, d := range f.tree.Decls {
			w := &finder{source: s, n: n, skip: map[ast.Node]bool{}}
			if fn, ok := d.(*ast.FuncDecl); ok {
				w.inside = functionName(fn)
			}
			w.walk(d, nil)
			all = append(all, w.found...)
		}
	}
	seen := map[string]int{}
	for i, m := range all {
		m.id = i + 1
		key := m.key() // of the first of its kind
		seen[key]++
		m.again = seen[key]
	}
	return all
}

// functionName is "f", or "T.f" for a method.
func functionName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	t := fn.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.ParenExpr:
			t = u.X
		case *ast.Ident:
			return u.Name + "." + fn.Name.Name
		default:
			return fn.Name.Name
		}
	}
}

// walk visits a node and all below it, the outer ones first. parents are the
// nodes around it, the nearest last.
func (f *finder) walk(n ast.Node, parents []ast.Node) {
	if f.skip[n] || !f.visit(n, parents) {
		return
	}
	switch n := n.(type) {
	case *ast.FuncDecl:
		f.funcs = append(f.funcs, f.info.Defs[n.Name].Type().(*types.Signature))
		defer func() { f.funcs = f.funcs[:len(f.funcs)-1] }()
	case *ast.FuncLit:
		f.funcs = append(f.funcs, f.info.Types[n].Type.(*types.Signature))
		defer func() { f.funcs = f.funcs[:len(f.funcs)-1] }()
	}
	parents = append(parents, n)
	top := true
	ast.Inspect(n, func(child ast.Node) bool {
		if child == nil {
			return false
		}
		if top { // n itself
			top = false
			return true
		}
		f.walk(child, parents)
		return false
	})
}

// visit collects the mutants of one node and reports whether those below it may
// be changed.
func (f *finder) visit(n ast.Node, parents []ast.Node) bool {
	switch n := n.(type) {
	case *ast.GenDecl:
		return n.Tok == token.VAR
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.CommClause:
		f.statements(n.Body)
	case *ast.IfStmt:
		f.condition("condition", n.Cond)
	case *ast.ReturnStmt:
		f.returned(n)
	case *ast.KeyValueExpr:
		if lit, ok := parents[len(parents)-1].(*ast.CompositeLit); ok {
			switch types.Unalias(f.info.Types[lit].Type).Underlying().(type) {
			case *types.Array, *types.Slice:
				f.skip[n.Key] = true // an index, which must be constant
			}
		}
	}
	e, ok := n.(ast.Expr)
	if !ok {
		return true
	}
	tv := f.info.Types[e]
	switch {
	case tv.IsType():
		return false
	case tv.Value != nil:
		return f.constant(e, tv, parents)
	}
	switch e := e.(type) {
	case *ast.BinaryExpr:
		f.binary(e)
	case *ast.UnaryExpr:
		f.unary(e, parents)
	case *ast.CallExpr:
		f.call(e)
	}
	return true
}

// constant collects v+1 and v-1 instead of a number, and the negation of true or
// false. It reports whether there is more to find in parts of the expression.
func (f *finder) constant(e ast.Expr, tv types.TypeAndValue, parents []ast.Node) bool {
	if id, ok := e.(*ast.Ident); ok && isBool(tv.Type) && f.info.Uses[id].Parent() == types.Universe {
		f.negate("boolean", e)
		return false
	}
	if len(f.funcs) == 0 {
		for _, p := range parents {
			if _, ok := p.(*ast.CompositeLit); ok {
				return false // a table of data, not of decisions
			}
		}
	}
	literal, typed := false, true // some part is a literal; all are of a type of their own
	ast.Inspect(e, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			literal = true
			t := f.info.Types[lit].Type
			typed = typed && t != nil && !isUntyped(t)
		}
		return true
	})
	_, leaf := e.(*ast.BasicLit)
	if literal && typed && !leaf {
		return true // its parts are changed
	}
	t, named := f.typeText(tv.Type, e.Pos())
	text, short := f.text(e)
	if !literal || !named || !short || isUntyped(tv.Type) || tv.Value.Kind() != constant.Int && tv.Value.Kind() != constant.Float || !isNumber(tv.Type) {
		return false
	}
	for _, to := range neighbours(tv.Value) {
		if v := constant.BinaryOp(tv.Value, to.op, to.by); f.fits(v, tv.Type) {
			f.add(e, "constant", v.String(), around(e, f.source, "mut_const["+t+"](\x00, ", ", ("+text+") "+to.op.String()+" "+to.by.String()+")", false))
		}
	}
	return false
}

// neighbour is a value beside another: that and by, joined by op.
type neighbour struct {
	op token.Token
	by constant.Value
}

// neighbours are 1 more and 1 less; of 0 it is 1 alone, and of large fractions
// twice and half of them.
func neighbours(v constant.Value) []neighbour {
	by := constant.MakeInt64(1)
	if size, _ := constant.Float64Val(v); v.Kind() == constant.Float && math.Abs(size) > 1000 {
		by = constant.MakeInt64(2)
		return []neighbour{{token.MUL, by}, {token.QUO, by}}
	}
	if constant.Sign(v) == 0 {
		return []neighbour{{token.ADD, by}}
	}
	return []neighbour{{token.ADD, by}, {token.SUB, by}}
}

// fits reports whether a type can hold a value.
func (f *finder) fits(v constant.Value, t types.Type) bool {
	b, ok := types.Unalias(t).Underlying().(*types.Basic)
	if !ok {
		return false
	}
	if b.Info()&types.IsInteger == 0 {
		size, _ := constant.Float32Val(v)
		return !math.IsInf(float64(size), 0)
	}
	bits := int(types.SizesFor("gc", "amd64").Sizeof(b)) * 8
	if b.Info()&types.IsUnsigned != 0 {
		return constant.Sign(v) >= 0 && constant.BitLen(v) <= bits
	}
	return constant.BitLen(v) < bits
}

// add keeps a mutant that changes a node into some text.
func (f *finder) add(n ast.Node, kind, after string, wraps ...wrap) {
	at := f.fset.Position(n.Pos())
	before := string(f.file[f.n].text[f.offset(n.Pos()):f.offset(n.End())])
	f.found = append(f.found, &mutant{
		file: f.n, at: at, inside: f.inside, kind: kind, before: oneLine(before), after: oneLine(after), line: f.lineOf(at), wraps: wraps,
	})
}

// around makes a wrap of the bytes of a node.
func around(n ast.Node, s *source, before, after string, replace bool) wrap {
	return wrap{s.offset(n.Pos()), s.offset(n.End()), before, after, replace}
}

// text is the source of a node, and whether it stands in one line.
func (f *finder) text(n ast.Node) (string, bool) {
	t := string(f.file[f.n].text[f.offset(n.Pos()):f.offset(n.End())])
	return t, !strings.ContainsAny(t, "\n\x00")
}

func (f *finder) lineOf(at token.Position) string {
	return strings.TrimSpace(strings.Split(string(f.file[f.n].text), "\n")[at.Line-1])
}

// oneLine is a text without line breaks and of at most 80 letters.
func oneLine(text string) string {
	r := []rune(strings.Join(strings.Fields(text), " "))
	if len(r) > 80 {
		return string(r[:79]) + "…"
	}
	return string(r)
}

// base is the name of the file of a mutant without its folder.
func (m *mutant) base() string { return filepath.Base(m.at.Filename) }
