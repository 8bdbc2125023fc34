package budwood

import (
	"os/exec"
	"strings"
	"testing"
)

// What each room may import of ours and of the libraries that only one place may
// know; docs/architecture.md draws it. A room is a folder with all below it that
// has no row of its own.
var mayImport = map[string][]string{
	"search":                {},
	"internal":              {},
	"hpo":                   {"search", "gonum.org/v1/gonum"},
	"hpo/scheduler":         {"search"},
	"data":                  {"golang.org/x/exp", "golang.org/x/image", "github.com/parquet-go/parquet-go"},
	"trees":                 {"data", "engine/kernel"},
	"engine":                {"data", "engine/crew", "engine/internal/check", "engine/internal/plan", "engine/kernel", "engine/layout", "engine/loss", "engine/mesh", "engine/optim", "engine/safetensors"},
	"engine/loss":           {"data", "engine/internal/check", "engine/kernel"},
	"engine/optim":          {"engine/internal/check", "engine/kernel"},
	"engine/layout":         {},
	"engine/calibrate":      {"data", "engine", "engine/kernel", "engine/optim", "engine/quant"},
	"engine/crew":           {},
	"engine/mesh":           {},
	"engine/kernel":         {"golang.org/x/sys"},
	"engine/onnx":           {"data", "engine", "engine/compress", "engine/quant", "engine/safetensors", "trees"},
	"engine/pretrained":     {"data", "engine", "engine/onnx", "engine/safetensors"},
	"engine/safetensors":    {"engine/kernel"},
	"engine/compress":       {"data", "engine", "engine/safetensors", "gonum.org/v1/gonum"},
	"engine/quant":          {"data", "engine", "engine/compress", "engine/kernel", "engine/safetensors"},
	"engine/transfer":       {"data", "engine", "engine/kernel", "engine/safetensors"},
	"engine/internal/check": {},
	"engine/internal/plan":  {"data", "engine/kernel"},
	"nas":                   {"search", "data", "engine", "engine/safetensors"},
	"trials":                {"search", "engine", "engine/crew", "engine/kernel", "engine/mesh", "trials/segment", "trials/energy", "trials/blob", "trials/reap", "github.com/rs/zerolog", "github.com/prometheus/procfs", "golang.org/x/sync", "golang.org/x/sys"},
	"trials/segment":        {"search", "trials/energy"},
	"trials/energy":         {"search", "github.com/prometheus/procfs", "golang.org/x/sys"},
	"trials/blob":           {"data"},
	"trials/reap":           {},
	"trials/store":          {"search", "trials/segment", "trials/energy", "github.com/mattn/go-sqlite3"},
	"learn":                 {"search", "trials"},
	"learn/network":         {"search", "data", "engine", "engine/compress", "engine/loss", "engine/optim", "engine/quant", "learn", "trials", "trials/segment", "trials/blob"},
	"learn/tabular":         {"search", "data", "learn", "learn/network", "trees", "trials", "trials/blob"},
	"meta":                  {"search", "gonum.org/v1/gonum"},
	"report":                {"search", "hpo"},
	"study":                 {"search", "engine/layout", "hpo", "hpo/scheduler", "data", "engine", "engine/transfer", "nas", "trials", "trials/segment", "trials/energy", "trials/blob", "trials/store", "learn/network", "learn/tabular", "trees", "meta", "github.com/rs/zerolog", "github.com/goccy/go-yaml"},
	"workflows":             {"search", "data", "trials", "trials/segment", "trials/energy", "trials/blob", "trials/store", "learn/network", "go.temporal.io", "golang.org/x/sync", "google.golang.org/protobuf", "github.com/rs/zerolog", "study"},
	"":                      {"search", "hpo", "nas", "data", "engine", "engine/crew", "trials", "trials/segment", "trials/energy", "trials/blob", "trials/store", "learn/network", "report", "workflows", "go.temporal.io", "github.com/rs/zerolog", "study"},
	"examples":              {"", "search", "data", "engine", "engine/optim"},
}

func TestImportsKeepTheirDirection(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Standard}}{{range .Imports}} {{.}}{{end}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := room(fields[0])
		if strings.HasPrefix(fields[0], "budwood/cmd") || strings.HasSuffix(fields[0], "/searchtest") || strings.HasSuffix(fields[0], "/studytest") || strings.HasSuffix(fields[0], "/bench") {
			continue // commands may import everything, and searchtest tests
		}
		allowed, ok := mayImport[from]
		if !ok {
			t.Errorf("the folder of %s has no row: add one to this table", fields[0])
		}
	imports:
		for _, to := range fields[2:] {
			first, _, _ := strings.Cut(to, "/")
			ours := to == "budwood" || first == "budwood"
			if !ours && !strings.Contains(first, ".") { // the standard library
				continue
			}
			for _, a := range allowed {
				if ours && room(to) == a || !ours && strings.HasPrefix(to, a) && a != "" {
					continue imports
				}
			}
			if ours && room(to) == from {
				continue
			}
			t.Errorf("%s must not import %s", fields[0], to)
		}
	}
}

// A program that imports the SDK alone must not compile the Temporal server.
func TestSDKWithoutServer(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "go.temporal.io/server") {
			t.Errorf("the SDK depends on %s", strings.TrimSpace(line))
		}
	}
}

// A program that trains, and keeps what it trains elsewhere, must not link SQLite:
// only the process that owns the store needs it.
func TestTrainingWithoutSQLite(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	needs := map[string]bool{"study": true, "workflows": true, "": true, "examples": true, "trials/store": true}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if needs[room(fields[0])] || strings.HasSuffix(fields[0], "/bench") {
			continue
		}
		for _, to := range fields[1:] {
			if to == "budwood/trials/store" || to == "database/sql" || strings.HasPrefix(to, "github.com/mattn/go-sqlite3") {
				t.Errorf("%s depends on %s", fields[0], to)
			}
		}
	}
}

// A study is known, and run on goroutines, without Temporal.
func TestStudyWithoutTemporal(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds of processor time")
	}
	out, err := exec.Command("go", "list", "-deps", "./study").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "go.temporal.io/") {
			t.Errorf("study depends on %s", strings.TrimSpace(line))
		}
	}
}

// room is the row of mayImport for one of our import paths: the longest that the
// path begins with, or else its first folder.
func room(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "budwood"), "/")
	first, _, _ := strings.Cut(path, "/")
	for ; path != ""; path = path[:max(strings.LastIndex(path, "/"), 0)] {
		if _, ok := mayImport[path]; ok {
			return path
		}
	}
	return first
}
