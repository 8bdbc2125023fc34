package devserver

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// A cookie alone does not tell users of one machine apart: browsers show it to
// whatever listens on another port of 127.0.0.1, also to another user's program.
// So the web UI asks the kernel, too, whose process is at the other end.

type peerKey struct{}

// withPeer is an [http.Server]'s ConnContext that [onlyUser] needs.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, peerAllowed(c))
}

// onlyUser lets a handler answer only processes of this user, and of root.
func onlyUser(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, _ := r.Context().Value(peerKey{}).(bool); !ok {
			deny(w, "the web UI is another user's")
			return
		}
		h.ServeHTTP(w, r)
	})
}

// peerAllowed reports whether the other end is this user's or root's; where the
// kernel does not say whose, yes.
func peerAllowed(c net.Conn) bool {
	far, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return true
	}
	near, err := netip.ParseAddrPort(c.LocalAddr().String())
	if err != nil {
		return true
	}
	known := false
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		known = true
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line) // sl local_address rem_address st queues timer retransmits uid …
			const established = "01"  // of others the kernel may have forgotten the user
			if len(f) > 7 && f[3] == established && isAddr(f[1], far) && isAddr(f[2], near) {
				return f[7] == "0" || f[7] == strconv.Itoa(os.Geteuid())
			}
		}
	}
	return !known
}

// isAddr reports whether the kernel's hexadecimal text, words in the machine's
// order, is an address.
func isAddr(text string, want netip.AddrPort) bool {
	host, port, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil || uint16(n) != want.Port() {
		return false
	}
	b, err := hex.DecodeString(host)
	if err != nil || len(b)%4 != 0 {
		return false
	}
	for i := 0; i < len(b); i += 4 {
		binary.NativeEndian.PutUint32(b[i:], binary.BigEndian.Uint32(b[i:]))
	}
	a, ok := netip.AddrFromSlice(b)
	return ok && a.Unmap() == want.Addr().Unmap()
}
