package devserver

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"strings"
)

// What is derived from the server's key for the web UI.
const (
	visitUse   = "budwood web UI: address"
	sessionUse = "budwood web UI: cookie"
)

const tokenParam = "token"

// gate lets into the web UI who comes with the token of the address that budwood
// prints, and afterwards his browser by a cookie. Programs send the token as a
// bearer's.
type gate struct {
	token   string
	cookie  string // its name: browsers share cookies among all ports of a host
	session string // its value
	forgery http.CrossOriginProtection
	ui      http.Handler
}

func newGate(key *tls.Config, ui http.Handler) (*gate, error) {
	token, err := secret(key, visitUse)
	if err != nil {
		return nil, err
	}
	session, err := secret(key, sessionUse)
	if err != nil {
		return nil, err
	}
	id := sha256.Sum256(key.Certificates[0].Certificate[0])
	return &gate{token: token, cookie: "budwood-" + hex.EncodeToString(id[:4]), session: session, ui: ui}, nil
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Referrer-Policy", "same-origin") // addresses name studies
	bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	program := ok && same(bearer, g.token)
	switch {
	case r.Method == http.MethodGet && same(r.URL.Query().Get(tokenParam), g.token):
		g.welcome(w, r)
		return
	case !program && !g.known(r):
		deny(w, "open the address that `budwood ui` prints: it lets this browser in")
		return
	case g.forgery.Check(r) != nil || fromElsewhere(r):
		deny(w, "the request comes from a page of another site")
		return
	case !program && changes(r) && r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "":
		deny(w, "a request that changes something needs the Origin header of a browser, or the token in the header Authorization: Bearer TOKEN")
		return
	}
	r.Header.Del("Authorization") // what is behind the gate does not know it
	g.ui.ServeHTTP(w, r)
}

// welcome gives a browser the cookie and leads it to the same address without the
// token, which then neither stays in sight nor in a link to other sites.
func (g *gate) welcome(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	query.Del(tokenParam)
	to := *r.URL
	to.Scheme, to.Host, to.RawQuery = "", "", query.Encode()
	to.Path = "/" + strings.TrimLeft(to.Path, "/") // not //host
	http.SetCookie(w, &http.Cookie{Name: g.cookie, Value: g.session, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		// After a click on a page of another site, such as a terminal in a browser, a
		// redirect would still count as coming from there, without the cookie.
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<meta http-equiv=refresh content=\"0;url=%s\">\n", html.EscapeString(to.String()))
		return
	}
	http.Redirect(w, r, to.String(), http.StatusSeeOther)
}

// known reports whether a browser has the cookie.
func (g *gate) known(r *http.Request) bool {
	for _, c := range r.CookiesNamed(g.cookie) {
		if same(c.Value, g.session) {
			return true
		}
	}
	return false
}

// fromElsewhere reports whether a page of another origin asks for something else
// than to be left for ours.
func fromElsewhere(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	}
	return r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document"
}

func changes(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func deny(w http.ResponseWriter, why string) {
	http.Error(w, "permission denied: "+why, http.StatusForbidden)
}
