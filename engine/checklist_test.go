package engine_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a layer needs beside its own file, and where that is. Whoever adds a layer
// finds here what is left to do; CONTRIBUTING.md has the recipe.
var checklist = []struct {
	what    string
	files   []string          // one of them names the layer
	without map[string]string // the layers that they need not name, and why
}{
	{what: "test of its gradient", files: []string{"smooth_test.go", "gradient_test.go"}},
	{what: "network that is measured, trained and saved", files: []string{"net_test.go"}, without: map[string]string{
		"Embedding": "the networks there read images, and TestLanguageModels trains it on tokens",
	}},
	{what: "form in ONNX", files: []string{"onnx/onnx.go"}},
	{what: "test of its form in ONNX", files: []string{"onnx/onnx_test.go"}},
	{what: "rule for inherited weights", files: []string{"transfer/align.go", "transfer/inherit.go", "transfer/insert.go", "transfer/layer.go", "transfer/linear.go", "transfer/sum.go"}, without: map[string]string{
		"GlobalMaxPool": noOperation,
		"Upsample":      noOperation,
		"Positional":    "tensors of the same shape are copied",
		"ClassToken":    "tensors of the same shape are copied",
	}},
	{what: "rule for channels that are cut", files: []string{"compress/*.go"}},
	{what: "drawing", files: []string{"../nas/draw.go"}, without: because("it has a box of its own, and contains no others",
		"Attention", "AvgPool", "Conv", "Conv1D", "Dense", "Embedding", "FPN", "GRU", "GlobalAvgPool", "GlobalMaxPool", "GroupNorm",
		"LastStep", "MaxPool", "Positional", "SqueezeExcite", "Transformer", "Upsample")},
	{what: "place among shared weights", files: []string{"../nas/places.go"}, without: because("it changes the shape, or its tensors have one part each",
		"AvgPool", "ClassToken", "Conv", "Conv1D", "Embedding", "FPN", "GlobalAvgPool", "GlobalMaxPool", "LastStep", "MaxPool", "Positional", "Reshape",
		"SqueezeExcite", "Upsample")},
	{what: "operation of the architecture search", files: []string{"../nas/ops.go"}, without: map[string]string{
		"Cell":          "the grammar writes it as a cell",
		"Par":           "the grammar writes it as a sum or a concatenation",
		"Residual":      "the grammar writes it as a sum with the identity",
		"GlobalMaxPool": noOperation,
		"Upsample":      noOperation,
		"Clip":          imported,
		"HardSigmoid":   imported,
		"HardSwish":     imported,
		"ClassToken":    imported,
	}},
}

const imported = "it is there for networks that are imported"

const noOperation = "no family of the architecture search has it"

func because(why string, layers ...string) map[string]string {
	m := map[string]string{}
	for _, l := range layers {
		m[l] = why
	}
	return m
}

// Every layer has all that a layer needs, or the checklist says why not.
func TestLayersHaveWhatALayerNeeds(t *testing.T) {
	layers := layers(t)
	if len(layers) < 30 {
		t.Fatalf("only %d layers: %v", len(layers), layers)
	}
	for _, c := range checklist {
		named := map[string]bool{}
		for _, pattern := range c.files {
			files, err := filepath.Glob(pattern)
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: there is no %s: %v", c.what, pattern, err)
			}
			for _, f := range files {
				if strings.HasSuffix(pattern, "_test.go") == strings.HasSuffix(f, "_test.go") {
					uses(t, f, named)
				}
			}
		}
		for _, l := range layers {
			why, excused := c.without[l]
			switch {
			case !named[l] && !excused:
				t.Errorf("%s has no %s: name it in %s, or say here why not", l, c.what, strings.Join(c.files, " or "))
			case named[l] && excused:
				t.Errorf("%s has %s now, and the checklist says: %s", l, c.what, why)
			}
		}
		for l := range c.without {
			if !slices.Contains(layers, l) {
				t.Errorf("%s: there is no layer %s", c.what, l)
			}
		}
	}
}

// layers are the exported types of package engine with a method build.
func layers(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, d := range parse(t, f).Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv == nil || fn.Name.Name != "build" {
				continue
			}
			if id, ok := fn.Recv.List[0].Type.(*ast.Ident); ok && id.IsExported() {
				names = append(names, id.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// uses adds the names of types that a file uses: of engine, if it is of another
// package.
func uses(t *testing.T, file string, names map[string]bool) {
	t.Helper()
	f := parse(t, file)
	own := f.Name.Name == "engine"
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "engine" {
				names[n.Sel.Name] = true
			}
		case *ast.Ident:
			if own {
				names[n.Name] = true
			}
		}
		return true
	})
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parser.ParseFile(token.NewFileSet(), file, src, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
