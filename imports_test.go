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
	"search":        {},
	"internal":      {},
	"hpo":           {"search", "gonum.org/v1/gonum"},
	"hpo/scheduler": {"search"},
	"data":          {"golang.org/x/exp", "github.com/parquet-go/parquet-go"},
	"engine":        {"data", "golang.org/x/sys"},
	"nas":           {"search", "data", "engine"},
	"trials":        {"search", "data", "engine", "github.com/mattn/go-sqlite3", "github.com/rs/zerolog", "github.com/prometheus/procfs", "golang.org/x/sync", "golang.org/x/sys"},
	"meta":          {"search", "gonum.org/v1/gonum"},
	"report":        {"search", "hpo"},
	"workflows":     {"search", "hpo", "hpo/scheduler", "data", "engine", "nas", "trials", "meta", "go.temporal.io", "golang.org/x/sync", "google.golang.org/protobuf", "github.com/rs/zerolog", "github.com/goccy/go-yaml"},
	"":              {"search", "hpo", "nas", "data", "engine", "trials", "report", "workflows", "go.temporal.io", "github.com/rs/zerolog"},
	"examples":      {"", "search", "data", "engine"},
}

func TestImportsKeepTheirDirection(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Standard}}{{range .Imports}} {{.}}{{end}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := room(fields[0])
		if strings.HasPrefix(fields[0], "budwood/cmd") || strings.HasSuffix(fields[0], "/searchtest") || strings.HasSuffix(fields[0], "/bench") {
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
