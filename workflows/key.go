package workflows

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// The server embedded in budwood and those who may talk to it know each other by
// a private key with a certificate, in one file of the state directory, which its
// user alone can read. Both sides show the certificate, and trust no other. It
// names this organisation, and the file by a URI.
const (
	KeyHolders = "Budwood"
	ServerName = "localhost" // whatever the address
)

// ServerTLS are the settings of either side of a connection to the server that has
// the key of a file.
func ServerTLS(file string) (*tls.Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("the key of the Temporal server: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("the key of the Temporal server, %s, is damaged (%w): delete it while no server runs, and the next one makes another", file, err)
	}
	only := x509.NewCertPool()
	only.AddCert(pair.Leaf)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		RootCAs: only, ServerName: ServerName, // for the client
		ClientCAs: only, ClientAuth: tls.RequireAndVerifyClientCert, // for the server
		DynamicRecordSizingDisabled: true, // there is no network between them
	}, nil
}

// keyOf is the file of the key without which the server at an address of this
// machine does not answer, or "". It shows the certificate to everybody.
func keyOf(ctx context.Context, address string) string {
	host := bare(address)
	if name, _, err := net.SplitHostPort(host); err != nil || name != "localhost" && !net.ParseIP(name).IsLoopback() {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // nothing is told to it
	conn, err := dialer.DialContext(ctx, "tcp", host)
	if err != nil {
		return ""
	}
	defer conn.Close()
	return KeyPath(conn.(*tls.Conn).ConnectionState().PeerCertificates[0])
}

// KeyPath is the file that a certificate of ours names, or "" if it is not ours.
func KeyPath(c *x509.Certificate) string {
	if !slices.Contains(c.Subject.Organization, KeyHolders) || len(c.URIs) != 1 {
		return ""
	}
	return c.URIs[0].Path
}

// readable reports whether a path leads to a file that this user can read. It comes
// from the other side, and could name anything.
func readable(path string) bool {
	if st, err := os.Stat(path); err != nil || !st.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// bare is an address without the resolver of gRPC's.
func bare(address string) string {
	if _, after, ok := strings.Cut(address, ":///"); ok {
		return after
	}
	return address
}
