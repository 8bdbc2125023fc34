package devserver

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// OnlyHosts lets a handler answer only requests for a loopback name, or one of
// some further names. A page of another site whose name was made to lead to this
// machine (DNS rebinding) asks for that name.
func OnlyHosts(names []string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name := hostname(r.Host); !loopback(name) && !slices.Contains(names, name) {
			http.Error(w, fmt.Sprintf("permission denied: %q is not a name of this server", r.Host), http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// hostname is the name or address of a Host header.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// loopback reports whether a name means this machine wherever it is resolved.
func loopback(name string) bool {
	ip := net.ParseIP(name)
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || ip != nil && ip.IsLoopback()
}
