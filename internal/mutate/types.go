package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// Constraints of the functions in hook.go.txt.
var (
	integer = union(types.Int, types.Int8, types.Int16, types.Int32, types.Int64,
		types.Uint, types.Uint8, types.Uint16, types.Uint32, types.Uint64, types.Uintptr)
	number = union(types.Int, types.Int8, types.Int16, types.Int32, types.Int64,
		types.Uint, types.Uint8, types.Uint16, types.Uint32, types.Uint64, types.Uintptr, types.Float32, types.Float64)
	ordered = union(types.Int, types.Int8, types.Int16, types.Int32, types.Int64,
		types.Uint, types.Uint8, types.Uint16, types.Uint32, types.Uint64, types.Uintptr, types.Float32, types.Float64, types.String)
)

func union(kinds ...types.BasicKind) *types.Interface {
	var terms []*types.Term
	for _, k := range kinds {
		terms = append(terms, types.NewTerm(true, types.Typ[k]))
	}
	return types.NewInterfaceType(nil, []types.Type{types.NewUnion(terms)}).Complete()
}

func (f *finder) satisfies(t types.Type, constraint *types.Interface) bool {
	return t != nil && !isUntyped(t) && types.Satisfies(t, constraint)
}

func isUntyped(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Info()&types.IsUntyped != 0
}

func isNumber(t types.Type) bool {
	b, ok := types.Unalias(t).Underlying().(*types.Basic)
	return ok && b.Info()&(types.IsInteger|types.IsFloat) != 0
}

// isBool reports whether a value is of type bool itself, or of none yet.
func isBool(t types.Type) bool {
	b, ok := types.Unalias(t).(*types.Basic)
	return ok && b.Info()&types.IsBoolean != 0
}

// isBuiltin reports whether a function is one of Go's own with one of some names.
func (f *finder) isBuiltin(fun ast.Expr, names ...string) bool {
	id, ok := ast.Unparen(fun).(*ast.Ident)
	if !ok {
		return false
	}
	b, ok := f.info.Uses[id].(*types.Builtin)
	for _, n := range names {
		if ok && b.Name() == n {
			return true
		}
	}
	return false
}

// typeText is how the source may name a type at a place, if it can.
func (f *finder) typeText(t types.Type, at token.Pos) (string, bool) {
	var obj types.Object
	switch t := t.(type) {
	case *types.Basic:
		if t.Info()&types.IsUntyped != 0 || t.Kind() == types.UnsafePointer {
			return "", false
		}
		obj = types.Universe.Lookup(t.Name())
	case *types.Named:
		if t.TypeArgs().Len() > 0 {
			return "", false
		}
		obj = t.Obj()
	case *types.Alias:
		obj = t.Obj()
	case *types.TypeParam:
		obj = t.Obj()
	}
	if obj == nil {
		return "", false
	}
	file := f.file[f.n].tree
	scope := f.info.Scopes[file].Innermost(at)
	if scope == nil {
		return "", false
	}
	if obj.Pkg() == nil || obj.Pkg().Path() == f.path {
		_, seen := scope.LookupParent(obj.Name(), at)
		return obj.Name(), seen == obj
	}
	for _, im := range file.Imports {
		path, err := strconv.Unquote(im.Path.Value)
		if err != nil || path != obj.Pkg().Path() || im.Name != nil && strings.Trim(im.Name.Name, "_.") == "" {
			continue
		}
		name := obj.Pkg().Name()
		if im.Name != nil {
			name = im.Name.Name
		}
		_, seen := scope.LookupParent(name, at)
		_, ok := seen.(*types.PkgName)
		return name + "." + obj.Name(), ok && obj.Exported()
	}
	return "", false
}
