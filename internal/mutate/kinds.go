package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// statements collects the removal of statements, and the other direction of
// assignments such as += and of ++.
func (f *finder) statements(list []ast.Stmt) {
	for _, st := range list {
		switch st := st.(type) {
		case *ast.AssignStmt:
			f.assignment(st)
		case *ast.IncDecStmt:
			f.remove("statement", st)
			other := map[token.Token]string{token.INC: "--", token.DEC: "++"}[st.Tok]
			if x, short := f.text(st.X); short {
				f.add(st, "step", x+other, around(st, f.source, "if mut_on(\x00) { "+x+other+" } else { ", " }", false))
			}
		case *ast.ExprStmt:
			call, ok := ast.Unparen(st.X).(*ast.CallExpr)
			if ok && !f.isBuiltin(call.Fun, "panic", "print", "println") {
				f.remove("call", st)
			}
		case *ast.BranchStmt:
			if st.Tok == token.BREAK || st.Tok == token.CONTINUE {
				f.remove("branch", st)
			}
		}
	}
}

func (f *finder) remove(kind string, st ast.Stmt) {
	f.add(st, kind, "(removed)", around(st, f.source, "if !mut_on(\x00) { ", " }", false))
}

func (f *finder) assignment(st *ast.AssignStmt) {
	if st.Tok == token.DEFINE {
		return
	}
	blank := true
	for _, x := range st.Lhs {
		id, ok := x.(*ast.Ident)
		blank = blank && ok && id.Name == "_"
	}
	if blank {
		return
	}
	f.remove("statement", st)
	other, ok := map[token.Token]token.Token{
		token.ADD_ASSIGN: token.SUB_ASSIGN, token.SUB_ASSIGN: token.ADD_ASSIGN, token.MUL_ASSIGN: token.QUO_ASSIGN,
		token.QUO_ASSIGN: token.MUL_ASSIGN, token.AND_ASSIGN: token.OR_ASSIGN, token.OR_ASSIGN: token.AND_ASSIGN,
		token.SHL_ASSIGN: token.SHR_ASSIGN, token.SHR_ASSIGN: token.SHL_ASSIGN, token.XOR_ASSIGN: token.AND_ASSIGN,
	}[st.Tok]
	if !ok || !f.satisfies(f.info.Types[st.Lhs[0]].Type, number) || f.isZero(st.Rhs[0]) {
		return
	}
	x, short := f.text(st.Lhs[0])
	y, alsoShort := f.text(st.Rhs[0])
	if short && alsoShort {
		swapped := x + " " + other.String() + " " + y
		f.add(st, "arithmetic", swapped, around(st, f.source, "if mut_on(\x00) { "+swapped+" } else { ", " }", false))
	}
}

// isZero reports whether a value is the constant 0, by which nothing can be divided.
func (f *finder) isZero(e ast.Expr) bool {
	v := f.info.Types[e].Value
	return v != nil && v.String() == "0"
}

// condition collects the negation of a condition that is no comparison; those
// have their own.
func (f *finder) condition(kind string, e ast.Expr) {
	if b, ok := ast.Unparen(e).(*ast.BinaryExpr); ok && negated[b.Op] != token.ILLEGAL || f.info.Types[e].Value != nil {
		return
	}
	f.negate(kind, e)
}

// negate collects !e.
func (f *finder) negate(kind string, e ast.Expr) {
	if !isBool(f.info.Types[e].Type) {
		return
	}
	text, _ := f.text(e)
	after := "!(" + text + ")"
	switch e := e.(type) {
	case *ast.Ident:
		if after = "!" + text; text == "true" || text == "false" {
			after = map[string]string{"true": "false", "false": "true"}[text]
		}
	case *ast.UnaryExpr:
		after = strings.TrimPrefix(text, "!")
	case *ast.CallExpr, *ast.SelectorExpr:
		after = "!" + text
	case *ast.BinaryExpr:
		if op := negated[e.Op]; op != token.ILLEGAL {
			after = f.with(e, op)
		}
	}
	f.add(e, kind, after, around(e, f.source, "((", ") != mut_on(\x00))", false))
}

// with is the text of an expression with another operator.
func (f *finder) with(e *ast.BinaryExpr, op token.Token) string {
	x, _ := f.text(e.X)
	y, _ := f.text(e.Y)
	return x + " " + op.String() + " " + y
}

// returned collects nil for a returned error, and the negation of a truth value
// that is no comparison.
func (f *finder) returned(st *ast.ReturnStmt) {
	results := f.funcs[len(f.funcs)-1].Results()
	if len(st.Results) == 0 || len(st.Results) != results.Len() {
		return
	}
	for i, e := range st.Results {
		if isBool(results.At(i).Type()) {
			if u, ok := ast.Unparen(e).(*ast.UnaryExpr); !ok || u.Op != token.NOT { // which has its own
				f.condition("return", e)
			}
		}
	}
	last := st.Results[len(st.Results)-1]
	if types.Identical(results.At(results.Len()-1).Type(), types.Universe.Lookup("error").Type()) && !f.info.Types[last].IsNil() {
		f.add(last, "error", "nil", around(last, f.source, "mut_err(\x00, ", ")", false))
	}
}

// negated is the opposite of a comparison, boundary the one that treats equal
// values otherwise, and swapped another operation on numbers.
var (
	negated = map[token.Token]token.Token{
		token.EQL: token.NEQ, token.NEQ: token.EQL, token.LSS: token.GEQ, token.GEQ: token.LSS, token.GTR: token.LEQ, token.LEQ: token.GTR,
	}
	boundary = map[token.Token]token.Token{token.LSS: token.LEQ, token.LEQ: token.LSS, token.GTR: token.GEQ, token.GEQ: token.GTR}
	swapped  = map[token.Token]token.Token{
		token.ADD: token.SUB, token.SUB: token.ADD, token.MUL: token.QUO, token.QUO: token.MUL, token.REM: token.MUL,
		token.AND: token.OR, token.OR: token.AND, token.XOR: token.AND, token.SHL: token.SHR, token.SHR: token.SHL,
	}
	helper = map[token.Token]string{ // in hook.go.txt
		token.LSS: "less", token.LEQ: "atmost", token.GTR: "greater", token.GEQ: "atleast", token.ADD: "add", token.SUB: "sub", token.MUL: "mul",
		token.QUO: "div", token.REM: "rem", token.AND: "and", token.OR: "or", token.XOR: "xor", token.SHL: "left", token.SHR: "right",
	}
)

// binary collects what may become of an operator.
func (f *finder) binary(e *ast.BinaryExpr) {
	if e.Op == token.LAND || e.Op == token.LOR {
		f.logic(e)
		return
	}
	if negated[e.Op] != token.ILLEGAL {
		f.negate("comparison", e)
		operand := e.X
		if f.info.Types[operand].Value != nil {
			operand = e.Y
		}
		if t := f.info.Types[operand].Type; boundary[e.Op] != token.ILLEGAL && f.satisfies(t, ordered) {
			f.operator("boundary", e, boundary[e.Op], t)
		}
		return
	}
	t := f.info.Types[e].Type
	to, ok := swapped[e.Op]
	if integers := strings.Contains("% & | ^ << >>", e.Op.String()); !ok || !f.satisfies(t, number) || integers && !f.satisfies(t, integer) {
		return
	}
	if e.Op == token.SHL || e.Op == token.SHR {
		y := f.info.Types[e.Y].Type
		a, named := f.typeText(t, e.Pos())
		b, alsoNamed := f.typeText(y, e.Pos())
		if named && alsoNamed && !isUntyped(y) {
			f.call2("arithmetic", e, to, "["+a+", "+b+"]")
		}
		return
	}
	f.operator("arithmetic", e, to, t)
}

// operator makes a call of an operator on operands of type t.
func (f *finder) operator(kind string, e *ast.BinaryExpr, to token.Token, t types.Type) {
	of := ""
	if text, ok := f.typeText(t, e.Pos()); ok {
		of = "[" + text + "]"
	}
	f.call2(kind, e, to, of)
}

func (f *finder) call2(kind string, e *ast.BinaryExpr, to token.Token, of string) {
	op := f.offset(e.OpPos)
	f.add(e, kind, f.with(e, to),
		around(e, f.source, "mut_"+helper[e.Op]+of+"(\x00, ", ")", false),
		wrap{op, op + len(e.Op.String()), ",", "", true})
}

// logic collects || for &&, and each operand alone. As a || b is !(!a && !b), no
// operand has to be written twice.
func (f *finder) logic(e *ast.BinaryExpr) {
	if !isBool(f.info.Types[e].Type) || !isBool(f.info.Types[e.X].Type) || !isBool(f.info.Types[e.Y].Type) {
		return
	}
	other, without := token.LOR, "(mut_on(\x00) || ("
	if e.Op == token.LOR {
		other, without = token.LAND, "(!mut_on(\x00) && ("
	}
	not := func(n ast.Expr) wrap { return around(n, f.source, "(", ") != mut_on(\x00)", false) }
	f.add(e, "logic", f.with(e, other), around(e, f.source, "((", ") != mut_on(\x00))", false), not(e.X), not(e.Y))
	x, _ := f.text(e.X)
	y, _ := f.text(e.Y)
	f.add(e, "operand", x, around(e.Y, f.source, without, "))", false))
	f.add(e, "operand", y, around(e.X, f.source, without, "))", false))
}

// unary collects x for -x and for !x.
func (f *finder) unary(e *ast.UnaryExpr, parents []ast.Node) {
	switch e.Op {
	case token.NOT:
		if st, ok := parents[len(parents)-1].(*ast.IfStmt); !ok || st.Cond != e {
			f.negate("negation", e)
		}
	case token.SUB:
		if t := f.info.Types[e].Type; f.satisfies(t, number) {
			x, _ := f.text(e.X)
			f.add(e, "arithmetic", x, around(e, f.source, "mut_neg(\x00, ", ")", false))
		}
	}
}

// call collects max for min, and looks away from capacities, which change nothing.
func (f *finder) call(e *ast.CallExpr) {
	if f.isBuiltin(e.Fun, "make") {
		if _, isMap := types.Unalias(f.info.Types[e].Type).Underlying().(*types.Map); isMap && len(e.Args) > 1 {
			f.skip[e.Args[1]] = true
		} else if len(e.Args) > 2 {
			f.skip[e.Args[2]] = true
		}
	}
	for name, other := range map[string]string{"min": "max", "max": "min"} {
		if !f.isBuiltin(e.Fun, name) || len(e.Args) < 2 {
			continue
		}
		if t := f.info.Types[e].Type; f.satisfies(t, ordered) {
			of := ""
			if text, ok := f.typeText(t, e.Pos()); ok {
				of = "[" + text + "]"
			}
			text, _ := f.text(e)
			f.add(e, "extreme", other+strings.TrimPrefix(text, name), around(e.Fun, f.source, "mut_"+name+of, "", true),
				wrap{f.offset(e.Lparen), f.offset(e.Lparen) + 1, "(\x00, ", "", true})
		}
	}
}
