package budwood

import (
	"os/exec"
	"strings"
	"testing"
)

// What each folder may import of ours and of the libraries that only one place
// may know; docs/architecture.md draws it. A package that has a row of its own
// follows that instead of its folder's.
var mayImport = map[string][]string{
	"search":      {},
	"hpo":         {"search", "gonum.org/v1/gonum"},
	"engine/mesh": {},
	"engine":      {"engine", "gonum.org/v1/gonum", "golang.org/x/exp", "golang.org/x/sys", "github.com/parquet-go/parquet-go"},
	"nas":         {"search", "engine"},
	"trials":      {"search", "engine", "github.com/mattn/go-sqlite3", "github.com/rs/zerolog", "github.com/prometheus/procfs", "golang.org/x/sync", "golang.org/x/sys"},
	"meta":        {"search", "gonum.org/v1/gonum"},
	"report":      {"search", "hpo"},
	"workflows":   {"search", "hpo", "engine", "nas", "trials", "meta", "go.temporal.io", "golang.org/x/sync", "google.golang.org/protobuf", "github.com/rs/zerolog", "github.com/goccy/go-yaml"},
	"":            {"search", "hpo", "nas", "engine", "trials", "report", "workflows", "go.temporal.io", "github.com/rs/zerolog"},
	"examples":    {"", "search", "engine"},
}

func TestImportsKeepTheirDirection(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{.Standard}}{{range .Imports}} {{.}}{{end}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		from := folder(fields[0])
		if strings.HasPrefix(fields[0], "budwood/cmd") || strings.HasSuffix(fields[0], "/searchtest") || strings.HasSuffix(fields[0], "/bench") {
			continue // commands may import everything, and searchtest tests
		}
		allowed, ok := mayImport[strings.TrimPrefix(fields[0], "budwood/")]
		if !ok {
			allowed, ok = mayImport[from]
		}
		if !ok {
			t.Errorf("the folder of %s has no rule: add one to this table", fields[0])
		}
	imports:
		for _, to := range fields[2:] {
			first, _, _ := strings.Cut(to, "/")
			ours := to == "budwood" || first == "budwood"
			if !ours && !strings.Contains(first, ".") { // the standard library
				continue
			}
			for _, a := range allowed {
				if ours && folder(to) == a || !ours && strings.HasPrefix(to, a) && a != "" {
					continue imports
				}
			}
			if ours && folder(to) == from {
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

// folder is the first folder of one of our import paths, "" for the root.
func folder(path string) string {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "budwood"), "/")
	first, _, _ := strings.Cut(path, "/")
	return first
}
