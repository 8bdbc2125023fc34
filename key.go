package budwood

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"go.temporal.io/sdk/client"
)

// ServerFile is the file in a state directory that says where its Temporal server
// answers while it runs.
const ServerFile = "server.json"

// ServerName is the name in the certificate of every embedded Temporal server,
// whatever the address.
const ServerName = "localhost"

// ServerKey is the file in a state directory by which its Temporal server and
// those who may talk to it know each other: a private key and its certificate.
func ServerKey(home string) string { return filepath.Join(home, "temporal.pem") }

// ServerTLS are the settings of either side of a connection to the server with
// that key. Both show the one certificate and trust no other: who has the key may
// be a client, and the server too.
func ServerTLS(key string) (*tls.Config, error) {
	text, err := os.ReadFile(key)
	if err != nil {
		return nil, fmt.Errorf("the key of the Temporal server: %w", err)
	}
	pair, err := tls.X509KeyPair(text, text)
	if err != nil {
		return nil, fmt.Errorf("the key of the Temporal server, %s, is damaged (%w): delete it while no server runs, and the next one makes another", key, err)
	}
	only := x509.NewCertPool()
	only.AddCert(pair.Leaf)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair},
		RootCAs: only, ServerName: ServerName, // for the client
		ClientCAs: only, ClientAuth: tls.RequireAndVerifyClientCert, // for the server
	}, nil
}

// UseServerKey lets options without keys of their own have that of the server of
// a state directory, "" meaning [Home], if that is the one they name.
func UseServerKey(o *client.Options, home string) error {
	if o.ConnectionOptions.TLS != nil || o.ConnectionOptions.TLSDisabled || o.Credentials != nil {
		return nil
	}
	if home == "" {
		var err error
		if home, err = Home(); err != nil {
			return err
		}
	}
	var server struct{ Address, Key string }
	text, err := os.ReadFile(filepath.Join(home, ServerFile))
	if err != nil || json.Unmarshal(text, &server) != nil || server.Key == "" || !sameAddress(server.Address, o.HostPort) {
		return nil // somebody else's
	}
	o.ConnectionOptions.TLS, err = ServerTLS(server.Key)
	return err
}

func sameAddress(a, b string) bool {
	host, port, err := net.SplitHostPort(b)
	if err != nil || host != "localhost" {
		return a == b
	}
	_, p, err := net.SplitHostPort(a)
	return err == nil && p == port
}
