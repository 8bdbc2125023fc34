package devserver

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"budwood/workflows"
)

// Who comes into the web UI, and with what.
func TestGate(t *testing.T) {
	t.Parallel()
	path, err := ensureKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	key, err := workflows.ServerTLS(path)
	if err != nil {
		t.Fatal(err)
	}
	g, err := newGate(key, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token is passed on")
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	ui := OnlyHosts([]string{"trials.example"}, g)
	const at = "127.0.0.1:8233"
	cookie, bearer, origin := "Cookie: "+g.cookie+"="+g.session, "Authorization: Bearer "+g.token, "Origin: http://"+at
	page := "Sec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\nSec-Fetch-Site: "
	for _, tt := range []struct {
		method, host, path, headers string
		code                        int
	}{
		{"GET", at, "/", "", 403},
		{"GET", at, "/api/v1/namespaces", "", 403},
		{"GET", at, "/?token=" + g.session, "", 403},
		{"GET", at, "/?token=", "", 403},
		{"GET", at, "/", "Cookie: " + g.cookie + "=" + g.token, 403},
		{"GET", at, "/", "Cookie: " + g.cookie + "=", 403},
		{"GET", at, "/", "Authorization: Bearer " + g.session, 403},
		{"POST", at, "/api?token=" + g.token, origin, 403},

		{"GET", at, "/", cookie, 200},
		{"GET", at, "/api/v1/namespaces", cookie + "\nSec-Fetch-Site: same-origin", 200},
		{"GET", at, "/api/v1/namespaces", bearer, 200},
		{"GET", at, "/?token=" + g.token, "", 303},
		{"GET", at, "/?token=" + g.token, page + "none", 303},
		{"GET", at, "/?token=" + g.token, page + "cross-site", 200},

		// Names of this machine, and of others that were made to lead to it.
		{"GET", "localhost:8233", "/", cookie, 200},
		{"GET", "LOCALHOST", "/", cookie, 200},
		{"GET", "trials.localhost:9000", "/", cookie, 200},
		{"GET", "[::1]:8233", "/", cookie, 200},
		{"GET", "127.8.9.1", "/", cookie, 200},
		{"GET", "trials.example", "/", cookie, 200},
		{"GET", "evil.example", "/", cookie, 403},
		{"GET", "evil.example:8233", "/?token=" + g.token, bearer, 403},
		{"GET", "127.0.0.1.evil.example", "/", cookie, 403},
		{"GET", "localhost.evil.example", "/", cookie, 403},
		{"GET", "192.168.0.1:8233", "/", cookie, 403},
		{"GET", "", "/", cookie, 403},

		// Pages of other sites, and of other ports of this machine, to which browsers
		// send the cookie.
		{"GET", at, "/api/v1/namespaces", cookie + "\nSec-Fetch-Site: same-site\nSec-Fetch-Mode: cors", 403},
		{"GET", at, "/", cookie + "\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe\nSec-Fetch-Site: same-site", 403},
		{"GET", at, "/", cookie + "\n" + page + "same-site", 200},
		{"POST", at, "/api", cookie + "\n" + page + "same-site\n" + origin, 403},
		{"POST", at, "/api", cookie + "\nOrigin: http://evil.example", 403},
		{"POST", at, "/api", cookie + "\nOrigin: http://127.0.0.1:9999", 403},
		{"POST", at, "/api", cookie + "\nOrigin: null", 403},
		{"DELETE", at, "/api", bearer + "\nOrigin: http://evil.example", 403},
		{"OPTIONS", at, "/api", "Origin: http://evil.example", 403},
		{"POST", at, "/api", cookie + "\n" + origin, 200},
		{"POST", at, "/api", cookie + "\n" + origin + "\nSec-Fetch-Site: same-origin", 200},

		// Programs have no origin, and show the token instead.
		{"POST", at, "/api", cookie, 403},
		{"POST", at, "/api", bearer, 200},
	} {
		r := httptest.NewRequest(tt.method, "http://x"+tt.path, nil)
		r.Host = tt.host
		for line := range strings.Lines(tt.headers) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
			r.Header.Set(name, value)
		}
		w := httptest.NewRecorder()
		ui.ServeHTTP(w, r)
		if w.Code != tt.code {
			t.Errorf("%s %s%s %q: %d, want %d: %s", tt.method, tt.host, tt.path, tt.headers, w.Code, tt.code, w.Body)
		}
		if body := w.Body.String(); w.Code == 403 && (!strings.HasPrefix(body, "permission denied: ") || strings.Count(body, "\n") != 1) {
			t.Errorf("no line that says why: %q", body)
		}
		if strings.Contains(w.Body.String()+w.Header().Get("Location"), g.token) {
			t.Errorf("%s %s: the token is told", tt.method, tt.path)
		}
	}

	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "//evil.example/namespaces?query=a%3D1&token="+g.token, nil)
	r.Host = at
	ui.ServeHTTP(w, r)
	if to := w.Header().Get("Location"); to != "/evil.example/namespaces?query=a%3D1" {
		t.Errorf("leads to %q", to)
	}
	c := w.Result().Cookies()
	if len(c) != 1 || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode || c[0].Path != "/" || c[0].Domain != "" {
		t.Errorf("cookies: %v", c)
	}
}
