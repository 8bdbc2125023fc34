package report

import (
	"context"
	_ "embed"
	"html"
	"html/template"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// look is the page that looks at pages.
//
//go:embed testdata/look.html
var look string

var item = regexp.MustCompile(`(?s)<li>(.*?)</li>`)

// faults are what a browser finds wrong with pages, by name, at some widths, and
// all files that the pages ask for. It skips the test where there is no chromium.
func faults(t *testing.T, pages map[string]string, widths ...int) []string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium")
	}
	profile, err := os.MkdirTemp("", "chromium-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(profile) // what its last processes still write may stay
	names := slices.Sorted(maps.Keys(pages))
	var found []string
	var lock sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.URL.Path, "/")
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		switch text, ok := pages[name]; {
		case name == "":
			if err := template.Must(template.New("").Parse(look)).Execute(w, map[string]any{"Pages": names, "Widths": widths}); err != nil {
				t.Error(err)
			}
		case ok:
			_, _ = w.Write([]byte(text))
		default:
			http.NotFound(w, r)
			if name != "favicon.ico" {
				lock.Lock()
				found = append(found, "a page loads "+r.URL.String())
				lock.Unlock()
			}
		}
	}))
	defer server.Close()
	args := []string{"--headless", "--dump-dom", "--disable-gpu", "--disable-dev-shm-usage", "--disable-extensions", "--no-first-run", "--user-data-dir=" + profile,
		"--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"}
	if os.Getuid() == 0 {
		args = append(args, "--no-sandbox")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, chromium, append(args, server.URL)...)
	cmd.WaitDelay = 5 * time.Second
	var words strings.Builder
	cmd.Stderr = &words
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("chromium: %v\n%s", err, words.String())
	}
	lock.Lock()
	defer lock.Unlock()
	for _, m := range item.FindAllStringSubmatch(string(out), -1) {
		found = append(found, html.UnescapeString(m[1]))
	}
	if n := len(found); n == 0 || !strings.HasPrefix(found[n-1], "looked at ") {
		t.Fatalf("the browser did not look to the end: %s\n%s", words.String(), out)
	}
	return found[:len(found)-1]
}

// keep writes pages to the directory that BUDWOOD_REPORT names, to look at them.
func keep(t *testing.T, pages map[string]string) {
	t.Helper()
	dir := os.Getenv("BUDWOOD_REPORT")
	if dir == "" {
		return
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name+".html"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
